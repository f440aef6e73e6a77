// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// A veth pair in a network namespace of this process; the test reads at the far end what the near end sends.
//   near (index 71) ---- far (index 72)
#pragma once

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <poll.h>
#include <sched.h>

#include "common/fd.hpp"
#include "tests/bpf/packet.hpp"
#include "tests/bpf/run_program.hpp"

namespace sidestep {

class VethPair {
  public:
    static constexpr unsigned kNear = kVethNear;
    static constexpr unsigned kFar = 72;

    /// On failure, why_not() tells the reason.
    VethPair() : why_not_(build()) {}

    [[nodiscard]] const std::string& why_not() const { return why_not_; }

    /// Runs `ip <arguments>` in the namespace.
    static bool ip(const std::string& arguments) { return std::system(("ip " + arguments).c_str()) == 0; }

    /// The IPv6 packets that have arrived at the far end since the last call. They may still be on their way, so this
    /// waits until `wanted` have come, though not for long, because the link may be down.
    std::vector<Bytes> received(std::size_t wanted = 0) { return received(socket_, wanted); }

    /// The same of a socket of listen().
    static std::vector<Bytes> received(const Fd& socket, std::size_t wanted) {
        constexpr int kPatienceMs = 300;
        std::vector<Bytes> result;
        std::array<std::uint8_t, 2048> buffer{};
        pollfd ready{.fd = socket.get(), .events = POLLIN, .revents = 0};
        while (poll(&ready, 1, result.size() < wanted ? kPatienceMs : 0) > 0) {
            const auto size = recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (size < 0) break;
            result.emplace_back(buffer.begin(), buffer.begin() + size);
        }
        return result;
    }

    /// Waits until an interface really sends: on a busy machine that is long after it was set up, and until then packets
    /// vanish.
    static bool runs(const char* name) {
        const Fd asking(socket(AF_INET6, SOCK_DGRAM, 0));
        ifreq request{};
        std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
        for (int i = 0; i < 500; ++i) {
            if (ioctl(asking.get(), SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_RUNNING) != 0) return true;
            (void)poll(nullptr, 0, 10);
        }
        return false;
    }

    /// A socket that gets what arrives at an interface; invalid if there is none.
    static Fd listen(unsigned ifindex) {
        Fd listener(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_IPV6)));
        sockaddr_ll at{};
        at.sll_family = AF_PACKET;
        at.sll_protocol = htons(ETH_P_IPV6);
        at.sll_ifindex = static_cast<int>(ifindex);
        if (bind(listener.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return {};
        return listener;
    }

  private:
    std::string build() {
        if (unshare(CLONE_NEWNET) != 0) return std::string("no network namespace: ") + std::strerror(errno);
        if (!ip("link set dev lo up") ||
            !ip("link add name near index 71 address 02:00:00:00:00:01 type veth peer name far index 72") ||
            !ip("link set dev near addrgenmode none up") || !ip("link set dev far addrgenmode none up")) {
            return "cannot make a veth pair";
        }
        if (!runs("near") || !runs("far")) return "the veth pair does not come up";
        socket_ = listen(kFar);
        if (!socket_) return std::strerror(errno);
        received();
        return {};
    }

    Fd socket_;
    std::string why_not_;
};

}  // namespace sidestep
