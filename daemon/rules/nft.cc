// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/rules/nft.hh"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>

#include "policy/base/file_descriptor.hh"

extern "C" {
#include <nftables/libnftables.h>
}

namespace ctgate::rules {

void Nft::Free::operator()(nft_ctx* context) const {
  nft_ctx_free(context);
}

Expected<void> Nft::supported() {
  const FileDescriptor probe(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!probe) return errno_error("open the kernel's netfilter netlink interface (kernel module nfnetlink)", errno);
  return {};
}

Nft::Nft() : context_(nft_ctx_new(NFT_CTX_DEFAULT)) {
  if (!context_) throw std::bad_alloc();
  nft_ctx_buffer_output(context_.get());
  nft_ctx_buffer_error(context_.get());
}

Expected<std::string> Nft::execute(const std::string& commands, unsigned output_flags) {
  nft_ctx_output_set_flags(context_.get(), output_flags);
  const int result = nft_run_cmd_from_buffer(context_.get(), commands.c_str());
  const std::string output = nft_ctx_get_output_buffer(context_.get());
  const std::string errors = nft_ctx_get_error_buffer(context_.get());
  if (result != 0) return system_error("nftables: " + (errors.empty() ? std::string("the command failed") : errors));
  return output;
}

Expected<std::string> Nft::run(const std::string& commands) {
  return execute(commands, NFT_CTX_OUTPUT_TERSE | NFT_CTX_OUTPUT_STATELESS);
}

Expected<std::string> Nft::run_with_elements(const std::string& commands) {
  return execute(commands, 0);
}

Expected<std::string> Nft::run_json(const std::string& commands) {
  return execute(commands, NFT_CTX_OUTPUT_JSON);
}

Expected<void> Nft::check(const std::string& commands) {
  nft_ctx_set_dry_run(context_.get(), true);
  auto result = execute(commands, 0);
  nft_ctx_set_dry_run(context_.get(), false);
  if (!result) return tl::unexpected(result.error());
  return {};
}

}  // namespace ctgate::rules
