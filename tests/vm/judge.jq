# SPDX-License-Identifier: GPL-2.0-or-later
# What the virtual machine left behind -> "figures: ..." and a line for each thing that is wrong, those first.
# In, the documents as arrays of one: $demo (ctgate demo --json), $net and $resolver (GoogleTest's JSON), $net_again
# and $resolver_again (the same of the last run of what failed in them; the first run when nothing did), $demo_exit,
# $net_exit and $resolver_exit (of the last runs), and $damage: what the runs without ctgate must show, "splits",
# "losses" or "any".

def total(which; key): [.scenarios[] | which | key] | add // 0;

# "lost/split/out of order"
def damage(which): "\(total(which; .lost))/\(total(which; .split_flows))/\(total(which; .out_of_order_flows))";

def wrong(condition; text): if condition then text else empty end;

# Of GoogleTest's documents, arrays of one: "8 of 9 net tests (2 not at the first try)"
def tests(first; again; kind):
  "\(first[0].tests - again[0].failures) of \(first[0].tests) \(kind) tests"
  + (if first[0].failures > again[0].failures
     then " (\(first[0].failures - again[0].failures) not at the first try)" else "" end);

def wrong_tests(first; again; exit_code; kind):
  wrong(first[0].tests == 0; "no \(kind) test ran"),
  wrong(exit_code != "0\n";
    "the \(kind) tests' exit code is \(exit_code | rtrimstr("\n")): \(again[0].failures) of \(first[0].tests) "
    + "failed in every try");

# What the resolver's test of this kernel found out without the library: {loses_datagrams, libc_milliseconds}.
def plain_libc: [$resolver[0], $resolver_again[0] | .testsuites[].testsuite[] | select(.loses_datagrams)] | last;

$demo[0] as $d |
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
  wrong_tests($net; $net_again; $net_exit; "net"),
  wrong_tests($resolver; $resolver_again; $resolver_exit; "resolver"),
  wrong($damage == "losses" and plain_libc.loses_datagrams != "yes"; "plain libc lost no question"),
  wrong($damage != "losses" and plain_libc.loses_datagrams == "yes"; "plain libc lost questions")
),
"figures: \($d.scenarios | length) scenarios, lost/split/out of order \($d | damage(.with)) with ctgated"
+ ", \($d | damage(.without)) without"
+ (if ($d.skipped | length) > 0 then ", left out: \([$d.skipped[].name] | join(" "))" else "" end)
+ "; " + tests($net; $net_again; "net") + ", " + tests($resolver; $resolver_again; "resolver")
+ (if plain_libc then ", a name by plain libc in \(plain_libc.libc_milliseconds) ms" else "" end)
