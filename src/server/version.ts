/** The version of ZooKeeper that this server stands for. */
export const version = '3.9.5'

/** As `srvr`, `mntr` and `envi` show it: programs cut the version and the date out of it. */
export const fullVersion = `${version}-kazoo-ts, built on 2026-11-24 00:00 UTC`
