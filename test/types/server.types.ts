/** What the types of the server promise: as in client.types.ts. */
import type {
  EmbeddedEnsemble,
  EmbeddedServer,
  EmbeddedEnsembleOptions,
  EmbeddedMember,
  EmbeddedServerOptions,
  FaultMatch,
  OperationName,
} from 'kazoo-ts/server'
import { expectTypeOf } from 'vitest'

export function ofAnEnsemble(ensemble: EmbeddedEnsemble): void {
  expectTypeOf(ensemble.members).toEqualTypeOf<readonly EmbeddedMember[]>()
  // Those of a server that stands alone: members share neither a port nor a directory, and have nothing on disk.
  type Missing = Exclude<keyof EmbeddedServerOptions, keyof EmbeddedEnsembleOptions>
  expectTypeOf<Missing>().toEqualTypeOf<
    'port' | 'securePort' | 'readOnly' | 'dataDir' | 'dataLogDir' | 'snapCount' | 'snapRetainCount' | 'onFailure'
  >()
}

export function ofFaults({ faults }: EmbeddedServer): void {
  expectTypeOf<FaultMatch['op']>().toEqualTypeOf<OperationName | undefined>()
  void faults.closeBeforeAnswer({ op: 'setData' })
  // @ts-expect-error -- the client's word for it, not ZooKeeper's
  void faults.closeBeforeAnswer({ op: 'set' })
}
