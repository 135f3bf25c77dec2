/** What `cons` tells of the last request of a connection that was answered. */
export class LastRequest {
  /** As `cons` abbreviates it; in Java's words, if there was none. */
  op = 'null'
  /** Of the last one that was not the client's own doing, such as a ping. */
  xid = 0
  /** How far the server had come with its answer. */
  zxid = 0
  /** Milliseconds on the monotonic clock. */
  time = 0

  note(op: string, xid: number, zxid: number, time: number): void {
    this.op = op
    if (xid >= 0) this.xid = xid
    this.zxid = zxid
    this.time = time
  }

  reset(): void {
    this.op = 'NA'
    this.xid = this.zxid = -1
    this.time = 0
  }
}
