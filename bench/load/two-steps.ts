/** Logs in, and asks with what came back; both answers are checked. */
import { scenario } from "capstan/load"

export default scenario({
  name: "two steps",
  tasks: {
    async account({ post, get }) {
      const login = await post("/login", { json: { user: "ada", password: "lovelace" } })
      const { token } = login.json()
      await get("/account", {
        headers: { authorization: `Bearer ${token}` },
        checks: { "has a balance": (answer) => answer.json().balance === 12 },
      })
    },
  },
})
