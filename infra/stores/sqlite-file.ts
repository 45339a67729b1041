import { chmodSync, closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

/** Each entry brings a file from the version of its index to the next one; entries are never edited once released. */
const migrations = [
  `CREATE TABLE namespaces (
     id TEXT PRIMARY KEY,
     host TEXT NOT NULL,
     policy TEXT NOT NULL,
     label TEXT NOT NULL,
     opened REAL NOT NULL,
     expires REAL NOT NULL,
     state TEXT NOT NULL CHECK (state IN ('open', 'closing'))
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE claims (
     seq INTEGER PRIMARY KEY AUTOINCREMENT,
     ns TEXT NOT NULL,
     kind TEXT NOT NULL,
     name TEXT NOT NULL,
     id TEXT,
     facts TEXT NOT NULL DEFAULT '{}',
     UNIQUE (ns, kind, name)
   ) STRICT;
   CREATE INDEX claims_by_id ON claims (kind, id, ns) WHERE id IS NOT NULL;`,
  `ALTER TABLE namespaces ADD COLUMN domain TEXT NOT NULL DEFAULT '';
   UPDATE namespaces SET domain = id;`,
  `ALTER TABLE namespaces ADD COLUMN lease REAL NOT NULL DEFAULT 0;
   ALTER TABLE namespaces ADD COLUMN memory INTEGER NOT NULL DEFAULT 0;
   ALTER TABLE namespaces ADD COLUMN cpus INTEGER NOT NULL DEFAULT 0;
   UPDATE namespaces SET lease = expires;
   CREATE INDEX namespaces_by_host ON namespaces (host);
   CREATE TABLE hosts (name TEXT PRIMARY KEY, record TEXT NOT NULL, drained INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
   CREATE TABLE duties (duty TEXT PRIMARY KEY, gateway TEXT NOT NULL, until REAL NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE closings (ns TEXT PRIMARY KEY, at REAL NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE kept (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  'CREATE TABLE turns (key TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL, note TEXT NOT NULL) STRICT, WITHOUT ROWID;',
  'ALTER TABLE claims ADD COLUMN size INTEGER NOT NULL DEFAULT 0;',
  `ALTER TABLE namespaces ADD COLUMN opener TEXT NOT NULL DEFAULT 'operator';
   CREATE TABLE spent (what TEXT PRIMARY KEY, until REAL NOT NULL) STRICT, WITHOUT ROWID;
   CREATE TABLE tokens (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  'CREATE INDEX namespaces_by_opener ON namespaces (opener);',
]

/** SQLite's name for a database without a file, which ends with its connection. */
export const inMemory = ':memory:'

/**
 * Opens (or creates, mode 0600) the database file and brings its schema up to date.
 *
 * WAL with synchronous=NORMAL: a committed change is in the kernel's hands, so killing the process loses nothing; a power
 * cut may lose the last commits but leaves the file consistent, and reconciling with the engine mends the rest.
 * Throws when the file was written by a newer version.
 */
export function openDatabase(path: string): DatabaseSync {
  // SQLite gives its -wal and -shm files the mode of the main file.
  if (path !== inMemory) {
    closeSync(openSync(path, 'a', 0o600))
    chmodSync(path, 0o600)
  }
  const database = new DatabaseSync(path, { timeout: 5000 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL')
    atomically(database, () => migrate(database, path))
  } catch (error) {
    database.close()
    throw error
  }
  return database
}

/** Runs the work in one write transaction, taken at its start so that no other writer comes between reading and writing. */
export function atomically<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > migrations.length) {
    throw new Error(`${path} was written by a newer Moorage (schema ${version}, this one knows ${migrations.length}); `
      + 'start that version, or give this one a state directory of its own')
  }
  for (const step of migrations.slice(version)) database.exec(step)
  database.exec(`PRAGMA user_version = ${migrations.length}`)
}
