// SPDX-License-Identifier: GPL-2.0-or-later
// What CTGATE_LOG=1 prints, each with one write(2) to descriptor 2: no stdio, no allocation.
#pragma once

#include <cstdint>

#include "policy/image/image.hh"

namespace ctgate::shim {

// "ctgate[PID]: held a datagram to 192.0.2.53:53 for 5.213 ms", and why it went when its leader had not departed.
void log_held(const image::Destination& destination, std::uint64_t us, bool timed_out);

// "ctgate[PID]: policy image PATH PROBLEM; the built-in policy is in force"
void log_refused_image(const char* path, const char* problem);

// "ctgate[PID]: resolver: NAME TEXT REASON"
void log_resolver(const char* name, const char* text, const char* reason = "");

// "ctgate[PID]: resolver: NAME resolved by c-ares, 2 datagrams, 0 connections"
void log_answer(const char* name, std::uint32_t datagrams, std::uint32_t streams);

}  // namespace ctgate::shim
