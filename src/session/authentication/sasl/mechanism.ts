/** The client's side of one exchange of SASL. */
export interface SaslMechanism {
  /**
   * Answers the server's last token; the first call is made without one, for what the client says first. Null when both
   * sides have proven themselves.
   *
   * @throws whatever says why that cannot be any more
   */
  next(token: Buffer | null): Buffer | null | Promise<Buffer | null>
}
