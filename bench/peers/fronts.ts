/** What can stand in front of the same replicas: Capstan's balancer, nginx. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort, root, run, type Server, startServer } from "../harness.ts"

export interface Front extends Server {
  readonly origin: string
}

/** @param origins where the replicas are. */
export async function startBalancer(origins: readonly string[]): Promise<Front> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const server = await startServer({
    command: process.execPath,
    args: ["bench/peers/balanced.ts", `${port}`, ...origins],
    readyUrl: `${origin}/ping`,
  })
  return { ...server, origin }
}

const folder = join(root, "bench/.nginx")
const own = join(folder, "usr/sbin/nginx")

/**
 * nginx's program: the system's, or one of our own, unpacked from the distribution's package without
 * installing anything.
 * @throws {Error} when there is neither.
 */
export async function findNginx(): Promise<string> {
  for (const path of ["/usr/sbin/nginx", "/usr/local/sbin/nginx", own]) {
    if (existsSync(path)) return path
  }
  mkdirSync(folder, { recursive: true })
  await run("apt-get", ["download", "nginx"], folder)
  await run("sh", ["-c", "dpkg-deb --extract nginx_*.deb ."], folder)
  await run(own, ["-v"])
  return own
}

/**
 * As its documentation has it for a proxy: a worker for each core, connections to the replicas kept,
 * least connections, the same headers added, no access log.
 */
export async function startNginx(program: string, origins: readonly string[]): Promise<Front> {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const directory = mkdtempSync(join(tmpdir(), "bench-nginx-"))
  const configuration = join(directory, "nginx.conf")
  writeFileSync(configuration, configure(port, directory, origins))
  const clear = (): void => rmSync(directory, { recursive: true, force: true })
  try {
    const server = await startServer({
      command: program,
      args: ["-p", directory, "-c", configuration, "-e", "stderr", "-g", "daemon off;"],
      readyUrl: `${origin}/ping`,
    })
    return {
      ...server,
      origin,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]()
        clear()
      },
    }
  } catch (error) {
    clear()
    throw error
  }
}

function configure(port: number, directory: string, origins: readonly string[]): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  return `
${process.getuid?.() === 0 ? "user root;" : ""}
worker_processes auto;
pid ${directory}/pid;
events { worker_connections 4096; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${directory}/${name};`).join("\n  ")}
  upstream replicas {
    least_conn;
    ${origins.map((origin) => `server ${new URL(origin).host};`).join("\n    ")}
    keepalive 64;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    keepalive_requests 1000000;
    location / {
      proxy_pass http://replicas;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Request-Id $request_id;
    }
  }
}
`
}
