// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "topo/tap.hpp"

#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>

#include <fcntl.h>

#include "topo/interface.hpp"

namespace sidestep::topo {
namespace {

constexpr const char* kNames = "lab-line%d";
constexpr int kQueueLength = 10'000;  // frames, until they are read

/// Of this thread's namespace.
Result<Tap> open_here() {
    Tap tap;
    tap.frames = Fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
    if (!tap.frames) return fail_errno("a slow link needs /dev/net/tun (modprobe tun)");
    ifreq request{};
    std::string(kNames).copy(request.ifr_name, IFNAMSIZ - 1);
    // Without IFF_VNET_HDR it has no offloads: the kernel segments and finishes checksums before a frame is read.
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (::ioctl(tap.frames.get(), TUNSETIFF, &request) != 0) return fail_errno("cannot make a TAP device");
    tap.name = request.ifr_name;
    tap.ifindex = static_cast<int>(::if_nametoindex(tap.name.c_str()));
    // Or its own neighbor discovery would cross the link.
    auto silent = write_sysctl("net/ipv6/conf/" + tap.name + "/disable_ipv6", "1");
    if (!silent) return std::unexpected(silent.error());
    auto queued = set_queue_length(tap.name, kQueueLength);
    if (!queued) return std::unexpected(queued.error());
    if (auto up = set_interface(tap.name, true); !up) return std::unexpected(up.error());
    return tap;
}

}  // namespace

Result<Tap> open_tap(const NetNs& netns) {
    return netns.run(open_here);
}

}  // namespace sidestep::topo
