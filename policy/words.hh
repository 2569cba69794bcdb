// SPDX-License-Identifier: GPL-2.0-or-later
// The words of the policy file and the values that they stand for, each pair written once.
#pragma once

#include <array>
#include <string_view>

#include "policy/policy.hh"

namespace ctgate {

template <typename Value>
struct Word {
  std::string_view text;
  Value value;
};

template <typename Value>
inline constexpr int words = 0;  // specialised below; an enumeration without words does not compile

template <>
inline constexpr std::array words<Action> = {
    Word<Action>{"gate", Action::gate},
    Word<Action>{"pass", Action::pass},
};
template <>
inline constexpr std::array words<Direction> = {
    Word<Direction>{"any", Direction::any},
    Word<Direction>{"output", Direction::output},
    Word<Direction>{"forward", Direction::forward},
    Word<Direction>{"input", Direction::input},
};
template <>
inline constexpr std::array words<Release> = {
    Word<Release>{"confirmed", Release::confirmed},
    Word<Release>{"replied", Release::replied},
};
template <>
inline constexpr std::array words<BackendSetting> = {
    Word<BackendSetting>{"auto", BackendSetting::automatic},
    Word<BackendSetting>{"nftables", BackendSetting::nftables},
    Word<BackendSetting>{"iptables", BackendSetting::iptables},
};
template <>
inline constexpr std::array words<WaitFor> = {
    Word<WaitFor>{"departure", WaitFor::departure},
    Word<WaitFor>{"reply", WaitFor::reply},
    Word<WaitFor>{"delay", WaitFor::delay},
};
template <>
inline constexpr std::array words<Resolver> = {
    Word<Resolver>{"auto", Resolver::automatic},
    Word<Resolver>{"libc", Resolver::libc},
    Word<Resolver>{"c-ares", Resolver::c_ares},
    Word<Resolver>{"off", Resolver::off},
};
template <>
inline constexpr std::array words<LibcOption> = {
    Word<LibcOption>{"single-request", LibcOption::single_request},
    Word<LibcOption>{"single-request-reopen", LibcOption::single_request_reopen},
};

}  // namespace ctgate
