# SPDX-License-Identifier: GPL-2.0-or-later
# What the virtual machine left behind -> "figures: ..." and a line for each thing that is wrong, those first.
# In, the documents as arrays of one: $demo (ctgate demo --json), $net (GoogleTest's JSON), $again (the same of the last
# run of what failed in it; $net when nothing did), $demo_exit, $net_exit (of the last run), and $damage: what the
# runs without ctgated must show, "splits", "losses" or "any".

def total(which; key): [.scenarios[] | which | key] | add // 0;

# "lost/split/out of order"
def damage(which): "\(total(which; .lost))/\(total(which; .split_flows))/\(total(which; .out_of_order_flows))";

def wrong(condition; text): if condition then text else empty end;

$demo[0] as $d | $net[0] as $n | $again[0].failures as $failed |
(
  wrong($d.backend != "nftables"; "the backend is \"\($d.backend)\", not the native queue expression"),
  wrong($demo_exit != "0\n"; "the demo's exit code is \($demo_exit | rtrimstr("\n")): \($d.summary)"),
  wrong(($d.scenarios | length) == 0; "the demo ran no scenario"),
  ( $d.scenarios[]
    | wrong(.with.lost + .with.split_flows + .with.out_of_order_flows > 0;
        "\(.name) with ctgated: \(.with.lost) lost, \(.with.split_flows) split, "
        + "\(.with.out_of_order_flows) out of order"),
      wrong(.with.held == 0; "\(.name): nothing was held, so nothing was proved") ),
  wrong($damage == "splits" and ($d | total(.without; .split_flows)) == 0; "no flow was split without ctgated"),
  wrong($damage == "losses" and ($d | total(.without; .lost)) == 0; "nothing was lost without ctgated"),
  wrong($n.tests == 0; "no net test ran"),
  wrong($net_exit != "0\n";
    "the net tests' exit code is \($net_exit | rtrimstr("\n")): \($failed) of \($n.tests) failed in every try")
),
"figures: \($d.scenarios | length) scenarios, lost/split/out of order \($d | damage(.with)) with ctgated"
+ ", \($d | damage(.without)) without"
+ (if ($d.skipped | length) > 0 then ", left out: \([$d.skipped[].name] | join(" "))" else "" end)
+ "; \($n.tests - $failed) of \($n.tests) net tests"
+ (if $n.failures > $failed then " (\($n.failures - $failed) not at the first try)" else "" end)
