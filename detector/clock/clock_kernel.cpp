// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// The kernel clock. ss-clock0 and ss-clock1 are the two ends of a veth pair:
//
//      +--> ss-clock0 egress: TBF, one packet a tick --> ss-clock1 ingress: tick program --+
//      +----------------------------- bpf_redirect ------------------------------------+
//
// The bucket holds one packet, so no faster ticks follow a late one.
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/qdisc.h>
#include <netlink/route/qdisc/tbf.h>
#include <netlink/route/tc.h>
#include <sys/socket.h>

#include <array>
#include <optional>

#include "bpf/abi/sidestep.h"
#include "common/fd.hpp"
#include "detector/clock/clock.hpp"
#include "detector/kernel/tc_hook.hpp"
#include "detector/kernel/veth_pair.hpp"

namespace sidestep {
namespace {

constexpr const char* kSource = "ss-clock0";
constexpr const char* kTick = "ss-clock1";
constexpr int kQueueBytes = 16 * SS_TICK_BYTES;
constexpr int kBucketSlack = 16;  // the kernel rounds the bucket to ticks; a packet that does not fit would be dropped
constexpr std::uint16_t kEtherType = 0x88b5;  // IEEE 802, local experimental

template <typename T, void (*release)(T*)>
struct Release {
    void operator()(T* object) const { release(object); }
};
using Socket = std::unique_ptr<nl_sock, Release<nl_sock, nl_socket_free>>;
using Qdisc = std::unique_ptr<rtnl_qdisc, Release<rtnl_qdisc, rtnl_qdisc_put>>;

std::unexpected<Error> failure(const std::string& what, int error) {
    return fail(what + ": " + nl_geterror(error));
}

Result<void> set_rate(nl_sock* socket, Nanoseconds tick) {
    const Qdisc qdisc(rtnl_qdisc_alloc());
    auto* tc = TC_CAST(qdisc.get());
    rtnl_tc_set_ifindex(tc, static_cast<int>(if_nametoindex(kSource)));
    rtnl_tc_set_parent(tc, TC_H_ROOT);
    rtnl_tc_set_handle(tc, TC_HANDLE(1, 0));
    if (const int error = rtnl_tc_set_kind(tc, "tbf"); error < 0)
        return failure("cannot prepare the clock's TBF qdisc", error);
    const auto bytes_per_second = SS_TICK_BYTES * std::int64_t{1'000'000'000} / tick.count();
    rtnl_qdisc_tbf_set_limit(qdisc.get(), kQueueBytes);
    rtnl_qdisc_tbf_set_rate(qdisc.get(), static_cast<int>(bytes_per_second), SS_TICK_BYTES + kBucketSlack, 0);
    int error = rtnl_qdisc_add(socket, qdisc.get(), NLM_F_CREATE | NLM_F_REPLACE);
    if (error < 0) {  // one of another kind may have our handle
        const Qdisc other(rtnl_qdisc_alloc());
        rtnl_tc_set_ifindex(TC_CAST(other.get()), static_cast<int>(if_nametoindex(kSource)));
        rtnl_tc_set_parent(TC_CAST(other.get()), TC_H_ROOT);
        rtnl_qdisc_delete(socket, other.get());
        error = rtnl_qdisc_add(socket, qdisc.get(), NLM_F_CREATE | NLM_F_REPLACE);
    }
    if (error < 0) {
        return failure("cannot add the clock's TBF qdisc (does the kernel have CONFIG_NET_SCH_TBF?)", error);
    }
    return {};
}

/// Sends the packet that then circles.
Result<void> inject() {
    const Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    const std::uint32_t mark = SS_TICK_MARK;
    if (!socket || setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
        return fail_errno("cannot start the clock");
    }
    std::array<std::uint8_t, SS_TICK_BYTES> packet{};
    packet.at(std::size_t{2} * ETH_ALEN) = kEtherType >> 8;
    packet.at(std::size_t{2} * ETH_ALEN + 1) = kEtherType & 0xff;
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(if_nametoindex(kSource));
    const auto* address = reinterpret_cast<const sockaddr*>(&to);
    if (sendto(socket.get(), packet.data(), packet.size(), 0, address, sizeof to) < 0) {
        return fail_errno("cannot start the clock");
    }
    return {};
}

class KernelClock final : public Clock {
  public:
    KernelClock(int tick_program, Nanoseconds tick, std::uint32_t& successor)
        : tick_program_(tick_program), tick_(tick), successor_(successor) {}

    Result<void> set_up() {
        if (auto made = make_veth_pair(kSource, kTick); !made) return made;
        const Socket socket(nl_socket_alloc());
        if (const int error = nl_connect(socket.get(), NETLINK_ROUTE); error < 0)
            return failure("cannot open rtnetlink for the clock", error);
        if (auto done = set_rate(socket.get(), tick_); !done) return done;
        successor_ = if_nametoindex(kSource);
        auto hook = TcHook::attach(kTick, static_cast<int>(if_nametoindex(kTick)), tick_program_);
        if (!hook) return std::unexpected(hook.error());
        return {};
    }

    [[nodiscard]] std::string_view kind() const override { return "kernel"; }

    // If the lost packet turns up again there are two; the qdisc still lets one pass per tick.
    Result<void> restart() override {
        if (auto done = set_up(); !done) return done;
        return inject();
    }

    Result<void> set_pace() override { return set_up(); }

    void stop() override {
        successor_ = 0;
        remove_kernel_clock();
    }

  private:
    int tick_program_;
    Nanoseconds tick_;
    std::uint32_t& successor_;
};

}  // namespace

void remove_kernel_clock() {
    remove_veth_pair(kSource);
}

Result<std::unique_ptr<Clock>> make_kernel_clock(int tick_program, Nanoseconds tick, std::uint32_t& successor) {
    auto clock = std::make_unique<KernelClock>(tick_program, tick, successor);
    const bool running = successor != 0 && if_nametoindex(kSource) == successor;
    if (auto ready = running ? clock->set_up() : clock->restart(); !ready) {
        clock->stop();
        return std::unexpected(ready.error());
    }
    return clock;
}

}  // namespace sidestep
