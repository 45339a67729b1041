import * as v from 'valibot'

/** What a host is called: namespaces remember it for ever. */
export const hostName = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.-]{0,62}$/, 'expected a host name of lower-case letters, digits, dots and dashes'))

/** Where an engine is reached. */
export const engineUrl = v.pipe(
  v.string(),
  v.check(isEngineUrl, 'expected the URL of a Docker engine: unix:///PATH, tcp://HOST:PORT, https://HOST:PORT or ssh://USER@HOST'),
)

function isEngineUrl(given: string): boolean {
  if (given.startsWith('unix://')) return /^unix:\/\/\/./.test(given)
  // Parts that become words of a command line begin with a letter or digit, and no shell finds anything in a path.
  if (given.startsWith('ssh://')) return /^ssh:\/\/([A-Za-z0-9_][\w.-]*@)?([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\])(:\d{1,5})?(\/[\w./-]+)?$/.test(given)
  // URL takes any text for the host of tcp:, hence the borrowed scheme.
  const url = /^(tcp|https):\/\//.test(given) ? URL.parse(given.replace(/^tcp:/, 'http:')) : null
  return url !== null && url.pathname === '/' && url.search + url.hash + url.username + url.password === ''
}
