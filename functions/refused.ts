import { endpoint, type Endpoint } from '../lib/endpoint.ts'
import { Refusal } from '../lib/refusal.ts'

const notManager = 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.'

const clustered = ['swarm', 'nodes', 'services', 'tasks', 'secrets', 'configs'] as const
const mutating = ['POST', 'PUT', 'DELETE'] as const

/** Answers of the engine to what a namespace does not have, so that clients that probe for it go on (engine-api.md A.6). */
export const refused: readonly Endpoint[] = [
  // Clients leave a swarm to be sure that they are in none.
  endpoint({ name: 'SwarmLeave', route: 'POST /swarm/leave', answer: () => { throw new Refusal(503, 'This node is not part of a swarm') } }),
  ...clustered.flatMap((group) => [
    ...both(group).map((path) => endpoint({ name: 'SwarmRead', route: `GET ${path}`, answer: () => { throw new Refusal(503, notManager) } })),
    ...mutating.flatMap((method) => both(group).map((path) => endpoint({
      name: 'SwarmWrite', route: `${method} ${path}`,
      answer: () => { throw new Refusal(403, `${group} is not allowed in this namespace: swarm mode belongs to the engine's host; use containers, or compose`) },
    }))),
  ]),
  endpoint({ name: 'PluginList', route: 'GET /plugins', answer: () => ({ status: 200, body: [] }) }),
  endpoint({
    name: 'PluginInspect', route: 'GET /plugins/:name{.+}/json',
    answer: ({ term }) => { throw new Refusal(404, `plugin "${term}" not found`) },
  }),
  ...(['GET', ...mutating] as const).map((method) => endpoint({
    name: 'PluginWrite', route: `${method} /plugins/:name{.+}`,
    answer: () => { throw new Refusal(403, 'plugins are not allowed in this namespace: they run as root on the engine\'s host; use a container instead') },
  })),
  ...(['GET', 'POST'] as const).map((method) => checkpoint(`${method} /containers/:id{.+}/checkpoints`)),
  checkpoint('DELETE /containers/:id{.+}/checkpoints/:checkpoint'),
]

function both(group: string): `/${string}`[] {
  return [`/${group}`, `/${group}/:rest{.+}`]
}

function checkpoint(route: Endpoint['route']): Endpoint {
  return endpoint({
    name: 'Checkpoint', route,
    answer: () => { throw new Refusal(501, 'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.') },
  })
}
