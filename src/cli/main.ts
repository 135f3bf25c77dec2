#!/usr/bin/env node
import { Command } from 'commander'

import { serverCommand } from './server-command.ts'
import { version } from './version.ts'

/** The `kazoo` command. */
const program = new Command('kazoo')
  .description('Tools for ZooKeeper.')
  .version(version, '-V, --version')
  .addCommand(serverCommand())
  .showHelpAfterError('(kazoo --help tells more)')

await program.parseAsync()
