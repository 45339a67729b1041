import { RE2JS } from 're2js'
import { Refusal } from '../refusal.ts'

const maxPattern = 1024

/** Characters times counted repetitions, of all patterns together: bounds the compiled size; this much compiles in some 50 ms. */
const maxCost = 50_000

/**
 * Tests whether one of several Go regular expressions matches anywhere in a text, in linear time. An invalid one matches nothing (the
 * engine ignores regexp.MatchString's error). Throws `Refusal` 400 for patterns of more than 1 KB or that repeat beyond reason.
 */
export function regexpsTest(patterns: readonly string[]): (text: string) => boolean {
  const plain = patterns.filter((pattern) => /^[\w/-]*$/.test(pattern))
  const others = patterns.filter((pattern) => !plain.includes(pattern))
  if (others.some((pattern) => pattern.length > maxPattern)) {
    throw new Refusal(400, `a filter pattern has more than ${maxPattern} characters; use a shorter one`, 'filters')
  }
  if (others.reduce((sum, pattern) => sum + cost(pattern), 0) > maxCost) {
    throw new Refusal(400, 'the filter patterns repeat too much; use fewer, or * and + instead of large counts', 'filters')
  }
  const regexps = others.map(compile).filter((regexp) => regexp !== undefined)
  return (text) => plain.some((part) => text.includes(part)) || regexps.some((regexp) => regexp.test(text))
}

function compile(pattern: string): RE2JS | undefined {
  try {
    return RE2JS.compile(pattern)
  } catch {
    return undefined
  }
}

function cost(pattern: string): number {
  const counts = [...pattern.matchAll(/\{(\d*),?(\d*)/g)].map(([, low, high]) => Math.max(Number(low), Number(high), 1))
  return counts.reduce((product, count) => product * count, pattern.length)
}
