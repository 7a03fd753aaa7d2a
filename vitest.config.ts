import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    expect: { requireAssertions: true },
    // End-to-end tests wait more than they compute.
    maxWorkers: 3,
    projects: [
      // The end-to-end tests beside them take what the machine has.
      {
        extends: true,
        test: { name: "unit", include: ["test/**/*.test.ts"], exclude: ["test/e2e/**"], testTimeout: 180_000 },
      },
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/*.test.ts"],
          runner: "test/e2e/begin-in-time.ts",
          // Several times what any of them takes: a slow machine is no failure.
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
