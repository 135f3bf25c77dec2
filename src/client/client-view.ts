import type { ClientCore } from './client-core.ts'

/** A client's core as seen under one root: what a client is made of, and what makes it share another's connection. */
export class ClientView {
  readonly core: ClientCore
  readonly chroot: string

  constructor(core: ClientCore, chroot: string) {
    this.core = core
    this.chroot = chroot
  }
}

/** The view that the options ask for, of a new core. */
export function viewOf(core: ClientCore): ClientView {
  const { trackEnsemble } = core.options
  // Loaded when wanted: most clients follow no ensemble.
  if (trackEnsemble !== null) {
    void import('./ensemble-tracker.ts').then(({ EnsembleTracker }) =>
      new EnsembleTracker(core, trackEnsemble.choose).start(),
    )
  }
  return new ClientView(core, core.chroot)
}
