import { describe, expect, test } from "vitest";
import { findMountProblems, type InspectedMount, volumeMounts } from "../../contract/mounts.ts";
import { componentNames } from "../../contract/names.ts";

const anonymous = "ab".repeat(32);

/** What Docker tells of a container that is as it should be. */
function mountsOf(component: (typeof componentNames)[number]): InspectedMount[] {
  return volumeMounts(component).map(({ path, volume, readOnly }) => ({
    Type: "volume",
    Name: `acme_${volume}`,
    Destination: path,
    RW: !readOnly,
  }));
}

/** The edge's mounts with a change at one path. */
function edgeWith(path: string, change: Partial<InspectedMount>): InspectedMount[] {
  return mountsOf("edge").map((mount) => (mount.Destination === path ? { ...mount, ...change } : mount));
}

describe("a container's mounts", () => {
  test.each(componentNames)("are right where %s has the contract's volumes, and binds besides", (component) => {
    const bind = { Type: "bind", Destination: "/home/agent/.ssh", RW: false };
    expect(findMountProblems("acme", component, [...mountsOf(component), bind])).toEqual([]);
  });

  test("are wrong with an anonymous volume", () => {
    const extra = { Type: "volume", Name: anonymous, Destination: "/cache", RW: true };
    expect(findMountProblems("acme", "edge", [...mountsOf("edge"), extra])).toEqual([
      "/cache: an anonymous volume (abababababab), which the next container does not get, is mounted there",
    ]);
    expect(findMountProblems("acme", "edge", edgeWith("/data", { Name: anonymous }))).toEqual([
      "/data: an anonymous volume (abababababab), which the next container does not get, is mounted there, not the volume acme_caddy_data",
    ]);
  });

  test("are wrong without a volume of the contract, or with another one, or a directory, in its place", () => {
    expect(findMountProblems("acme", "edge", mountsOf("edge").slice(1))).toEqual([
      "/data: the volume acme_caddy_data is not mounted there",
    ]);
    expect(findMountProblems("acme", "edge", edgeWith("/data", { Name: "acme_state" }))).toEqual([
      "/data: the volume acme_state is mounted there, not the volume acme_caddy_data",
    ]);
    expect(findMountProblems("acme", "edge", edgeWith("/data", { Type: "bind", Name: undefined }))).toEqual([
      "/data: a directory of the host is mounted there, not the volume acme_caddy_data",
    ]);
  });

  test("are wrong with a volume of another factory, or one more", () => {
    expect(findMountProblems("acme", "agents", mountsOf("agents").concat(mountsOf("edge")))).toEqual([
      "/data: the volume acme_caddy_data is mounted there",
      "/srv/factory/state: the volume acme_state is mounted there",
    ]);
    expect(findMountProblems("other", "reproduce", mountsOf("reproduce"))).toHaveLength(2);
  });

  test("are wrong where the edge could write the agents' state, or where agents could not", () => {
    expect(findMountProblems("acme", "edge", edgeWith("/srv/factory/state", { RW: true }))).toEqual([
      "/srv/factory/state: the volume acme_state is writable there",
    ]);
    expect(findMountProblems("acme", "edge", edgeWith("/data", { RW: false }))).toEqual([
      "/data: the volume acme_caddy_data is read-only there",
    ]);
  });
});
