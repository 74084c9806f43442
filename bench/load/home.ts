/** A plain GET, again and again. */
import { scenario } from "capstan/load"

export default scenario({
  name: "plain GET",
  tasks: { home: ({ get }) => get("/") },
})
