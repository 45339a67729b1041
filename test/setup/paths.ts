import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Versions of Docker Engine and CLI that the tests run: both ends of what is supported. */
export const versions = ['20.10', '28.5'] as const
export type Version = (typeof versions)[number]

/** The checkout. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What the set-up downloads is kept here, outside the checkout, and found again by the next run. */
export const cache = process.env['MOORAGE_TEST_CACHE'] || join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'moorage-test')

/** Folder in which the packages of one tree are unpacked as they would be in `/`. */
export function treePath(tree: string): string {
  return join(cache, tree)
}

/** A program of the tree that every engine shares: runc, tini-static, busybox, docker-registry. */
export function commonProgram(name: string): string {
  return join(treePath('common'), name === 'busybox' ? 'bin' : 'usr/bin', name)
}

/** The Docker CLI of that version. */
export function dockerPath(version: Version): string {
  return join(treePath(`engine-${version}`), 'usr/bin/docker')
}

/** PATH of an engine: its own programs first, then the shared ones, then the machine's. */
export function enginePath(version: Version): string {
  const folders = [treePath(`engine-${version}`), treePath('common')].flatMap((tree) => [join(tree, 'usr/sbin'), join(tree, 'usr/bin')])
  return [...folders, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':')
}
