// SPDX-License-Identifier: GPL-2.0-or-later
// The program that bench_preload runs under each preload library. It prints nanoseconds for one call:
//
//   preload_worker sendto COUNT             one flow, an address with each call
//   preload_worker send COUNT               one flow, connected
//   preload_worker new COUNT                each datagram to another destination
//   preload_worker hook COUNT NULL_LIBRARY  sendto() less NULL_LIBRARY's: with the latter preloaded too, what lies
//   between
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr std::uint32_t network = 0x0a000000;  // 10.0.0.0/8, all of it local
constexpr std::uint16_t port = 9000;

sockaddr_in address(std::uint32_t host) {
  sockaddr_in name{};
  name.sin_family = AF_INET;
  name.sin_port = htons(port);
  name.sin_addr.s_addr = htonl(network + host);
  return name;
}

template <typename Function>
double nanoseconds(long count, Function&& function) {
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < count; ++i) function(i);
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
         static_cast<double>(count);
}

int make_socket() {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) return fd;
  std::perror("socket");
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const std::string what = argv[1];
  const long count = std::atol(argv[2]);
  // Somebody is there, or each datagram would make an ICMP error. What does not fit into the buffer is dropped.
  const int receiver = make_socket(), sender = make_socket();
  const auto any = address(0U - network), one = address(1);
  const auto* name = reinterpret_cast<const sockaddr*>(&one);
  if (bind(receiver, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) return 1;
  const auto send_to_one = [&](long) { (void)sendto(sender, "x", 1, 0, name, sizeof one); };
  double cost = 0;
  if (what == "send" && connect(sender, name, sizeof one) != 0) return 1;
  for (long i = 0; i < 3; ++i) send_to_one(i);
  if (what == "sendto") cost = nanoseconds(count, send_to_one);
  if (what == "send") cost = nanoseconds(count, [&](long) { (void)send(sender, "x", 1, 0); });
  if (what == "new") {
    cost = nanoseconds(count, [&](long i) {
      const auto other = address(static_cast<std::uint32_t>(i) + 2);
      (void)sendto(sender, "x", 1, 0, reinterpret_cast<const sockaddr*>(&other), sizeof other);
    });
  }
  if (what == "hook" && argc > 3) {
    void* library = dlopen(argv[3], RTLD_NOW);
    const auto null = library == nullptr ? nullptr : reinterpret_cast<decltype(&sendto)>(dlsym(library, "sendto"));
    if (null == nullptr) return 1;
    const auto call_null = [&](long) { (void)null(sender, "x", 1, 0, name, sizeof one); };
    constexpr int turns = 201;  // short ones, so that both see the same machine
    std::array<double, turns> costs{};
    for (auto& difference : costs) {
      difference = nanoseconds(count / turns, send_to_one) - nanoseconds(count / turns, call_null);
    }
    std::nth_element(costs.begin(), costs.begin() + turns / 2, costs.end());
    cost = costs[turns / 2];
  }
  std::printf("%.2f\n", cost);
  return 0;
}
