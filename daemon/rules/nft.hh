// SPDX-License-Identifier: GPL-2.0-or-later
// libnftables(3) in process: one call is one transaction.
#pragma once

#include <memory>
#include <string>

#include "policy/base/error.hh"

struct nft_ctx;

namespace ctgate::rules {

// Works in the network namespace that the calling thread was in when the object was made: libnftables opens its socket
// then. Not for use by two threads at a time.
class Nft {
 public:
  // Whether the kernel has netfilter's netlink interface. To be asked before the first object is made: without it,
  // libnftables ends the whole process (netlink_open_error(), src/mnl.c).
  [[nodiscard]] static Expected<void> supported();

  Nft();

  // Runs `commands` (nft(8) syntax, any number of lines) as one transaction; nothing is changed on error.
  // Returns what the commands print, without set elements. The error carries nft's own text with line and column.
  [[nodiscard]] Expected<std::string> run(const std::string& commands);

  // The same with set elements in the output.
  [[nodiscard]] Expected<std::string> run_with_elements(const std::string& commands);

  // The same as JSON (libnftables-json(5)).
  [[nodiscard]] Expected<std::string> run_json(const std::string& commands);

  // Asks the kernel whether it would take `commands`, and changes nothing.
  [[nodiscard]] Expected<void> check(const std::string& commands);

 private:
  [[nodiscard]] Expected<std::string> execute(const std::string& commands, unsigned output_flags);

  struct Free {
    void operator()(nft_ctx* context) const;
  };
  std::unique_ptr<nft_ctx, Free> context_;
};

}  // namespace ctgate::rules
