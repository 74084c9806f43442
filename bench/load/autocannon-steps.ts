/** The two steps for autocannon. Arguments: URL, seconds, connections. Prints its result as JSON. */
import autocannon from "autocannon"

const [url = "", seconds, connections] = process.argv.slice(2)
const result = await autocannon({
  url,
  duration: Number(seconds),
  connections: Number(connections),
  requests: [
    {
      method: "POST",
      path: "/login",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ user: "ada", password: "lovelace" }),
      onResponse(_status, body, context) {
        Object.assign(context, JSON.parse(body))
      },
    },
    {
      method: "GET",
      path: "/account",
      setupRequest: (request, context) => ({
        ...request,
        headers: { authorization: `Bearer ${(context as { token?: string }).token}` },
      }),
    },
  ],
})
process.stdout.write(JSON.stringify(result))
