import { defineConfig } from "vite";

export default defineConfig({
  base: "/desktop/",
  build: {
    // The page's policy allows neither inline scripts nor data: addresses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // `npm run dev` beside a running server.
    proxy: { "/api": { target: "http://127.0.0.1:8400", ws: true } },
  },
});
