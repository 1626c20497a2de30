import { expect, test } from "vitest";
import { addressNetwork } from "./address-network.ts";

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:0:1:aaaa:bbbb:cccc:dddd", "2001:db8:0:1"],
  ["2001:db8:0:1::9", "2001:db8:0:1"],
  ["2001:0DB8:0000:0001::9", "2001:db8:0:1"],
  ["2001:db8::9", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["fe80::1%eth0", "fe80:0:0:0"],
  ["", ""],
])("%s is of %s", (address, network) => {
  expect(addressNetwork(address)).toBe(network);
});
