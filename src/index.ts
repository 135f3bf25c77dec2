export * from './client/index.ts'
export { ChildrenWatch, type ChildrenWatchFunction } from './recipes/children-watch.ts'
export { DataWatch, type DataWatchFunction, type WatchedData } from './recipes/data-watch.ts'
export type { WatchEnd } from './recipes/znode-watch.ts'
