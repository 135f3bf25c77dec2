import type { Target } from './target.ts'
import type { Trial } from './trial.ts'

/** Something that goes wrong, tried again and again. */
export interface Fault {
  /** For the command line and the table. */
  readonly name: string
  /** What all its trials share; without it they share nothing but the ensemble. */
  readonly open?: (target: Target) => Promise<Fixture>
  /** Does it, lets all heal, and tells the trial what was wrong then. */
  readonly run?: (trial: Trial) => Promise<void>
}

export interface Fixture extends AsyncDisposable {
  run(trial: Trial): Promise<void>
}
