// SPDX-License-Identifier: GPL-2.0-or-later
// ctgated gives its policy to the preload library.
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "policy/base/run_program.hh"
#include "policy/image/compile.hh"
#include "policy/image/image_file.hh"
#include "policy/toml/parse.hh"
#include "tests/support/gateway_test.hh"

namespace ctgate::test {
namespace {

using Bytes = std::vector<std::byte>;

class DaemonImage : public GatewayTest {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return ctgated->runtime_directory() / "policy.image"; }
  [[nodiscard]] Bytes written() const { return must(read_image(path())); }
  static Bytes image_of(const std::string& policy) {
    return must(compile_policy(parse_policy(policy, "policy.toml").value())).image;
  }
  void reload(const std::string& policy) const {
    std::ofstream(ctgated->policy_path()) << policy;
    kill(ctgated->pid(), SIGHUP);
  }
};

TEST_F(DaemonImage, IsWrittenAtStartAndOnReload) {
  const std::string first = "[shim]\nmax_wait = '50ms'\n";
  const std::string second = "[shim]\nmax_wait = '70ms'\n[default]\naction = 'pass'\n";
  start_ctgated({.policy = first});
  EXPECT_EQ(written(), image_of(first));
  reload(second);
  ASSERT_TRUE(eventually([&] { return counter("reloads_total") == 1; }));
  EXPECT_EQ(written(), image_of(second));
}

TEST_F(DaemonImage, BadPolicyOnReloadLeavesIt) {
  start_ctgated({.policy = "[shim]\nmax_wait = '50ms'\n"});
  const auto before = written();
  reload("[shim]\nmax_wait = 50\n");
  ASSERT_TRUE(eventually([&] { return counter("failed_reloads_total") == 1; }));
  EXPECT_EQ(written(), before);
}

TEST_F(DaemonImage, FailureToWriteItIsAWarning) {
  start_ctgated();
  std::filesystem::remove(path());
  std::filesystem::create_directory(path());
  reload("[shim]\nmax_wait = '50ms'\n");
  ASSERT_TRUE(eventually([&] { return counter("reloads_total") == 1; }));
  EXPECT_NE(ctgated->log().find("warning: programs with the preload library do not see this policy: cannot write"),
            std::string::npos)
      << ctgated->log();
  EXPECT_EQ(must(ctgated->status()).at("state"), "running");
}

// With the default directories, in an otherwise empty /run.
TEST_F(DaemonImage, IsTheHostsOnlyWithoutAnotherNetworkNamespace) {
  const std::string script = R"(
    mount -t tmpfs none /run && umask 077 || exit 1
    for netns in "--netns /proc/self/ns/net" ""; do
      echo "with <$netns>:"
      "$0/ctgated" $netns --policy /dev/null 2>/run/log &
      until "$0/ctgate" status >/run/status 2>&1; do kill -0 $! || { cat /run/log; exit 1; }; sleep 0.02; done
      stat -c "%a %n" /run/ctgated /run/ctgated/* && find /run/ctgate* -name "*.image" -printf "%m %p\n"
      kill $! && wait $!
    done)";
  const auto programs = must(lab::find_ctgated()).parent_path().string();
  const auto result = gateway().run([&] {
    return must(run_program({"unshare", "--mount", "sh", "-c", script, programs}));
  });
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output,
            "with <--netns /proc/self/ns/net>:\n755 /run/ctgated\n600 /run/ctgated/control.sock\n"
            "600 /run/ctgated/control.sock.lock\n"
            "with <>:\n755 /run/ctgated\n600 /run/ctgated/control.sock\n600 /run/ctgated/control.sock.lock\n"
            "644 /run/ctgate/policy.image\n");
}

// As the service runs it: root writes the image beforehand, ctgated looks whether it is its own policy.
TEST_F(DaemonImage, IsComparedByADaemonThatIsNotRoot) {
  const std::string script = R"(
    export PATH="$PATH:/usr/sbin:/sbin"
    mount -t tmpfs none /run && mkdir -m 755 /run/ctgated && chown 65534 /run/ctgated || exit 1
    mkdir /run/bin && cp "$0/ctgated" /run/bin  # from where every user may run it
    printf "[shim]\nmax_wait = '50ms'\n" >/run/one.toml
    printf "[shim]\nmax_wait = '70ms'\n" >/run/other.toml
    image=/run/ctgate/policy.image
    for image_of in "" one other; do
      [ -z "$image_of" ] || "$0/ctgate" policy compile /run/$image_of.toml --output $image >/dev/null
      : >/run/log  # at once, not when the shell of the next line comes to it
      setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all,+net_admin --ambient-caps -all,+net_admin \
        --bounding-set -all,+net_admin /run/bin/ctgated --debug --policy /run/one.toml 2>/run/log &
      until grep -q " running: " /run/log; do kill -0 $! || { cat /run/log; exit 1; }; sleep 0.02; done
      echo "with <$image_of>:"
      sed -n "s,.*\(debug\|info\|warning\): \(.*$image.*\),\1: \2,p" /run/log
      kill $! && wait $!
    done)";
  const auto programs = must(lab::find_ctgated()).parent_path().string();
  const auto result = gateway().run([&] {
    return must(run_program({"unshare", "--mount", "sh", "-c", script, programs}));
  });
  EXPECT_EQ(result.exit_code, 0);
  const std::string cure = "; run `ctgate policy compile --output /run/ctgate/policy.image` as root\n";
  EXPECT_EQ(result.output,
            "with <>:\ninfo: there is no /run/ctgate/policy.image: programs with the preload library do not see this "
            "policy" +
                cure +
                "with <one>:\ndebug: /run/ctgate/policy.image holds this policy\n"
                "with <other>:\nwarning: programs with the preload library see another policy: "
                "/run/ctgate/policy.image does not hold this one" +
                cure);
}

}  // namespace
}  // namespace ctgate::test
