# SPDX-License-Identifier: GPL-2.0-or-later
# What the virtual machine left behind -> "figures: ..." and a line for each thing that is wrong, those first.
# In, the documents as arrays of one: $demo (ctgate demo --json), $net (GoogleTest's JSON), $again (the same of the last
# run of what failed in it; $net when nothing did), $demo_exit, $net_exit (of the last run), and $damage: what the
# runs without ctgated must show, "splits", "losses" or "any".

def total(which; key): [.scenarios[] | which | key] | add // 0;

# "lost/split/out of order"
def damage(which): "\(total(which; .lost))/\(total(which; .split_flows))/\(total(which; .out_of_order_flows))";

$demo[0] as $d | $net[0] as $n | $again[0].failures as $failed |
(
  if $d.backend != "nftables" then "the backend is \"\($d.backend)\", not the native queue expression" else empty end,
  if ($demo_exit | tonumber) != 0 then "the demo's exit code is \($demo_exit | rtrimstr("\n")): \($d.summary)" else empty end,
  ( $d.scenarios[] | select(.with.lost + .with.split_flows + .with.out_of_order_flows > 0)
    | "\(.name) with ctgated: \(.with.lost) lost, \(.with.split_flows) split, \(.with.out_of_order_flows) out of order" ),
  ( $d.scenarios[] | select(.with.held == 0) | "\(.name): nothing was held, so nothing was proved" ),
  if ($d.scenarios | length) == 0 then "the demo ran no scenario" else empty end,
  if $damage == "splits" and ($d | total(.without; .split_flows)) == 0 then "no flow was split without ctgated" else empty end,
  if $damage == "losses" and ($d | total(.without; .lost)) == 0 then "nothing was lost without ctgated" else empty end,
  if ($net_exit | tonumber) != 0 then "the net tests' exit code is \($net_exit | rtrimstr("\n")): \($failed) of \($n.tests) failed in every try" else empty end,
  if $n.tests == 0 then "no net test ran" else empty end
),
"figures: \($d.scenarios | length) scenarios, lost/split/out of order \($d | damage(.with)) with ctgated"
+ ", \($d | damage(.without)) without"
+ (if ($d.skipped | length) > 0 then ", left out: \([$d.skipped[].name] | join(" "))" else "" end)
+ "; \($n.tests - $failed) of \($n.tests) net tests"
+ (if $n.failures > $failed then " (\($n.failures - $failed) not at the first try)" else "" end)
