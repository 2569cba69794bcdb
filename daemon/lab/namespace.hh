// SPDX-License-Identifier: GPL-2.0-or-later
// Named network namespaces, as ip-netns(8) has them.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "policy/base/error.hh"
#include "policy/base/file_descriptor.hh"

namespace ctgate::lab {

// Owns a network namespace and its name below /run/netns; both go with the object (the namespace itself when its last
// process, socket and descriptor are gone). Make it inside a sandbox (sandbox.hh), else a kill leaves the name behind.
class NetworkNamespace {
 public:
  // A new namespace named unique_name(role), with its loopback device down.
  [[nodiscard]] static Expected<NetworkNamespace> create(std::string_view role);

  NetworkNamespace(NetworkNamespace&& other) noexcept
      : name_(std::exchange(other.name_, {})), handle_(std::move(other.handle_)) {}
  NetworkNamespace& operator=(NetworkNamespace&& other) noexcept {
    std::swap(name_, other.name_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  NetworkNamespace(const NetworkNamespace&) = delete;
  NetworkNamespace& operator=(const NetworkNamespace&) = delete;
  ~NetworkNamespace();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] int fd() const { return handle_.get(); }  // for setns(2), owned by this object

  // Calls `function` with the calling thread inside the namespace; sockets that it opens stay there for good.
  // Throws std::system_error when the kernel refuses to enter.
  template <typename Function>
  decltype(auto) run(Function&& function) const {
    const Inside inside(fd());
    return std::forward<Function>(function)();
  }

  // Writes a value below /proc/sys, e.g. ("net/ipv4/ip_forward", "1").
  [[nodiscard]] Expected<void> set_sysctl(const std::string& key, std::string_view value) const;

  // Runs nft(8) commands inside, as one transaction. The result is what they print.
  [[nodiscard]] Expected<std::string> nft(const std::string& commands) const;

 private:
  // The calling thread's stay in another network namespace.
  class Inside {
   public:
    explicit Inside(int target);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    Inside(Inside&&) = delete;
    Inside& operator=(Inside&&) = delete;

   private:
    FileDescriptor home_;
  };

  NetworkNamespace(std::string name, FileDescriptor handle) : name_(std::move(name)), handle_(std::move(handle)) {}
  std::string name_;
  FileDescriptor handle_;
};

}  // namespace ctgate::lab
