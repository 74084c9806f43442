/** Capstan's balancer as a process. Arguments: its port, and where the replicas are. */
import { Balancer } from "../../src/local/balancer/balancer.ts"

const [port, ...origins] = process.argv.slice(2)
const balancer = await Balancer.listen({ host: "127.0.0.1", port: Number(port) })
for (const origin of origins) balancer.add({ name: origin, origin: new URL(origin) })
process.once("SIGTERM", () => void balancer.close(1000))
