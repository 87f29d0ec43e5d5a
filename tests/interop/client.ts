// What docs/api.md shows: sign in, add a station (once, however often it is sent), list it.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { argv: string[] };
const [url, email, password, identity] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: url });

const { data: pair } = await client.POST("/api/v1/auth/token/", { body: { email, password } });
if (!pair) throw new Error("not signed in");
client.use({ onRequest: ({ request }) => request.headers.set("Authorization", `Bearer ${pair.access}`) });

const { data: made, error } = await client.POST("/api/v1/stations/", {
  params: { header: { "Idempotency-Key": identity } },
  body: { identity, name: "Garage" },
});
if (!made) throw new Error(JSON.stringify(error));
const { data: list } = await client.GET("/api/v1/stations/", { params: { query: { search: identity } } });
console.log(JSON.stringify(list?.results.map((station) => [station.identity, station.online])));
