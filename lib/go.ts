/** How Go, and so the engine, reads the strings of a request. One place to import from; the parts are in `go/`. */
export { parseBool, parseBoolStrict } from './go/bool.ts'
export { parseDuration } from './go/duration.ts'
export { canonicalPath, type Target } from './go/path.ts'
export { parseQuery } from './go/query.ts'
export { parseTime, type Timestamp } from './go/time.ts'
export { compareVersions } from './go/version.ts'
