import { listenOn } from "./app.mjs";

listenOn(Number(process.env.PORT), process.env.HOST);
