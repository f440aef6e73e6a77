// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "tests/net/host_snapshot.hpp"

#include <linux/bpf.h>
#include <net/if.h>
#include <sys/syscall.h>

#include <array>
#include <chrono>
#include <cstring>
#include <fstream>
#include <memory>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "topo/process.hpp"

namespace sidestep::topo {
namespace {

constexpr std::uint32_t kTcxIngress = 46;  // BPF_TCX_INGRESS of Linux 6.6's linux/bpf.h
constexpr std::uint32_t kTcxEgress = 47;

constexpr const char* kScript = R"(
# iproute2 complains about a peer whose namespace, of another test, ends at that moment.
section() { echo "== $1"; shift; "$@" 2>&1 | sed -E "$ages; /^Error: Peer netns reference is invalid/d"; }
ages='s/(valid_lft|preferred_lft) [0-9]+sec/\1 AGE/g; s/expires -?[0-9]+sec/expires AGE/g
  s/([a-z]+_timer) +[0-9.]+/\1 AGE/g'
neighbors() { ip $1 neigh show nud all | grep -vE '^(ff|224\.)' | sed -E 's/(REACHABLE|STALE|DELAY|PROBE)/dynamic/' | sort; }
section links ip -d link show
section addresses ip -d addr show
for family in -4 -6; do
  section "neighbors $family" neighbors $family
  section "proxies $family" ip $family neigh show proxy
  section "routes $family" ip -d $family route show table all
  section "rules $family" ip -d $family rule show
done
section nexthops ip -d nexthop show
section qdiscs tc -d qdisc show
for link in $(ls /sys/class/net); do
  section "classes of $link" tc -d class show dev $link
  section "filters of $link" tc -d filter show dev $link
  section "filters of $link, ingress" tc -d filter show dev $link ingress
  section "filters of $link, egress" tc -d filter show dev $link egress
done
echo '== sysctls'
find /proc/sys/net -type f -perm -u+r | grep -vE '/(nf_conntrack_count|tcp_fastopen_key|stable_secret)$' | sort |
  xargs grep -s ''
)";

/// A file in /tmp that disappears with it.
class TextFile {
  public:
    explicit TextFile(const std::string& text) {
        const int fd = ::mkstemp(path_.data());
        if (fd >= 0) ::close(fd);
        std::ofstream(path_) << text;
    }
    TextFile(const TextFile&) = delete;
    TextFile& operator=(const TextFile&) = delete;
    ~TextFile() { ::unlink(path_.c_str()); }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    std::string path_ = "/tmp/sidestep-host-XXXXXX";
};

/// bpftool and tc(8) of Debian 12 know no tcx.
std::string tcx_at(const struct if_nameindex& link, std::uint32_t where) {
    std::array<std::uint32_t, 64> ids{};
    bpf_attr query;
    std::memset(&query, 0, sizeof query);
    query.query.target_fd = link.if_index;
    query.query.attach_type = where;
    query.query.prog_ids = reinterpret_cast<std::uintptr_t>(ids.data());
    query.query.prog_cnt = ids.size();
    if (::syscall(SYS_bpf, BPF_PROG_QUERY, &query, sizeof query) != 0) return {};
    const std::span present(ids.data(), query.query.prog_cnt);
    return fmt::format("tcx of {}, {}: {}\n", link.if_name, where == kTcxIngress ? "ingress" : "egress",
                       fmt::join(present, " "));
}

std::string tcx_programs() {
    std::string all = "== programs of tcx\n";
    const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> links(if_nameindex(), if_freenameindex);
    for (const auto* link = links.get(); link != nullptr && link->if_index != 0; ++link)
        all += tcx_at(*link, kTcxIngress) + tcx_at(*link, kTcxEgress);
    return all;
}

}  // namespace

std::string host_snapshot(const NetNs& netns) {
    auto script = Process::spawn({"sh", "-c", kScript}, {.netns = netns.fd()});
    if (!script) return script.error().message;
    (void)script->wait(std::chrono::seconds(30));
    const auto programs = netns.run([] { return tcx_programs(); });
    return script->output() + (programs ? *programs : programs.error().message);
}

std::string host_difference(const std::string& before, const std::string& after) {
    if (before == after) return {};
    const TextFile old_text(before);
    const TextFile new_text(after);
    auto diff = Process::spawn({"diff", "-U1", old_text.path(), new_text.path()});
    if (!diff) return diff.error().message;
    (void)diff->wait(std::chrono::seconds(20));
    return diff->output();
}

}  // namespace sidestep::topo
