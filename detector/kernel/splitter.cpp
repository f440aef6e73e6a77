// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/splitter.hpp"

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "common/fd.hpp"
#include "detector/kernel/rtnl.hpp"
#include "detector/kernel/veth_pair.hpp"

namespace sidestep {
namespace {

constexpr const char* kWhole = "ss-split0";
constexpr const char* kSplit = "ss-split1";

/// A request about an interface, by its name.
bool ask_of(const char* interface, unsigned long what, ifreq& request) {
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    std::ranges::copy(std::string_view(interface), request.ifr_name);
    return socket && ::ioctl(socket.get(), what, &request) >= 0;
}

/// Asks ethtool; `question` begins with the command.
bool ask_ethtool(const char* interface, void* question) {
    ifreq request{};
    request.ifr_data = static_cast<char*>(question);
    return ask_of(interface, SIOCETHTOOL, request);
}

/// Sets an offload, or reads it into `value`.
bool offload(const char* interface, ethtool_value& value) {
    return ask_ethtool(interface, &value);
}

/// An offload that ethtool knows by its name only, by where it is among all of them.
struct Feature {
    std::uint32_t block;
    std::uint32_t bit;
    std::uint32_t blocks;  ///< in all; the kernel wants to hear the right number
};

/// The split of datagrams (UDP_SEGMENT). A guest's have no number of segments, so what limits that number misses them.
constexpr std::string_view kDatagrams = "tx-udp-segmentation";
constexpr std::uint32_t kMostFeatures = 256;  // Linux 6.18 has 64
constexpr std::uint32_t kFeaturesPerBlock = 32;
constexpr std::uint32_t kMostBlocks = kMostFeatures / kFeaturesPerBlock;

// The structures of <linux/ethtool.h> end in arrays without a length.

/// Nothing: this kernel has no such offload.
std::optional<Feature> find_feature(const char* interface, std::string_view name) {
    struct {
        std::uint32_t command = ETHTOOL_GSSET_INFO;
        std::uint32_t reserved = 0;
        std::uint64_t sets = 1ULL << ETH_SS_FEATURES;
        std::uint32_t count = 0;
    } info;
    if (!ask_ethtool(interface, &info) || info.count == 0 || info.count > kMostFeatures) return std::nullopt;
    struct {
        std::uint32_t command = ETHTOOL_GSTRINGS;
        std::uint32_t set = ETH_SS_FEATURES;
        std::uint32_t count = 0;
        std::array<std::array<char, ETH_GSTRING_LEN>, kMostFeatures> all{};
    } names;
    names.count = info.count;
    if (!ask_ethtool(interface, &names)) return std::nullopt;
    for (std::uint32_t i = 0; i < info.count; ++i) {
        if (name == names.all.at(i).data())
            return Feature{.block = i / kFeaturesPerBlock,
                           .bit = 1U << i % kFeaturesPerBlock,
                           .blocks = (info.count + kFeaturesPerBlock - 1) / kFeaturesPerBlock};
    }
    return std::nullopt;
}

bool switch_feature_off(const char* interface, const Feature& feature) {
    struct {
        std::uint32_t command = ETHTOOL_SFEATURES;
        std::uint32_t size = 0;
        std::array<ethtool_set_features_block, kMostBlocks> blocks{};
    } wanted;
    wanted.size = feature.blocks;
    wanted.blocks.at(feature.block).valid = feature.bit;
    return ask_ethtool(interface, &wanted);
}

bool has_feature(const char* interface, const Feature& feature) {
    struct {
        std::uint32_t command = ETHTOOL_GFEATURES;
        std::uint32_t size = 0;
        std::array<ethtool_get_features_block, kMostBlocks> blocks{};
    } found;
    found.size = feature.blocks;
    return ask_ethtool(interface, &found) && (found.blocks.at(feature.block).active & feature.bit) != 0;
}

/// So that datagrams are split whatever they say of themselves.
Result<void> split_datagrams(const char* interface) {
    const auto feature = find_feature(interface, kDatagrams);
    if (!feature || switch_feature_off(interface, *feature)) return {};
    return fail_errno(fmt::format("cannot switch {} of {} off", kDatagrams, interface));
}

bool leaves_datagrams(const char* interface) {
    const auto feature = find_feature(interface, kDatagrams);
    return feature && has_feature(interface, *feature);
}

Result<void> switch_off(const char* interface, std::uint32_t command) {
    ethtool_value value{.cmd = command, .data = 0};
    if (offload(interface, value)) return {};
    return fail_errno(fmt::format("cannot switch an offload of {} off", interface));
}

bool is_on(const char* interface, std::uint32_t command) {
    ethtool_value value{.cmd = command, .data = 0};
    return offload(interface, value) && value.data != 0;
}

std::string fault_of_end(const char* interface) {
    ifreq request{};
    if (!ask_of(interface, SIOCGIFFLAGS, request)) return fmt::format("{} is gone", interface);
    return (request.ifr_flags & IFF_UP) != 0 ? "" : fmt::format("{} is down", interface);
}

/// How many segments it takes at a time; 0: not known.
std::uint32_t segments_taken(Rtnl& rtnl, const char* interface) {
    ifinfomsg info{};
    info.ifi_index = static_cast<int>(::if_nametoindex(interface));
    std::uint32_t segments = 0;
    (void)rtnl.ask(rtnl_message(RTM_GETLINK, 0, info), [&](nlmsghdr* answer) {
        auto* attribute = nlmsg_find_attr(answer, sizeof info, IFLA_GSO_MAX_SEGS);
        if (attribute != nullptr) segments = nla_get_u32(attribute);
    });
    return segments;
}

/// Tells the kernel that it takes one segment at a time, of whatever protocol. It keeps scatter-gather and checksums: so
/// segments share the bytes of the whole.
Result<void> take_single_segments(const char* interface) {
    auto rtnl = Rtnl::open();
    if (!rtnl) return std::unexpected(rtnl.error());
    ifinfomsg info{};
    info.ifi_index = static_cast<int>(::if_nametoindex(interface));
    auto message = rtnl_message(RTM_NEWLINK, 0, info);
    nla_put_u32(message.get(), IFLA_GSO_MAX_SEGS, 1);
    if (auto done = rtnl->request(std::move(message)); !done)
        return fail(fmt::format("cannot limit the segments of {}: {}", interface, done.error().text));
    return {};
}

}  // namespace

Result<unsigned> make_splitter(int program, TcKind kind) {
    if (auto made = make_veth_pair(kWhole, kSplit); !made) return std::unexpected(made.error());
    if (auto limited = take_single_segments(kWhole); !limited) return std::unexpected(limited.error());
    if (auto off = switch_off(kWhole, ETHTOOL_STSO); !off) return std::unexpected(off.error());
    if (auto off = split_datagrams(kWhole); !off) return std::unexpected(off.error());
    if (auto off = switch_off(kSplit, ETHTOOL_SGRO); !off) return std::unexpected(off.error());
    auto hook = TcHook::attach(kSplit, splitter_exit(), program, kind);
    if (!hook) return std::unexpected(hook.error());
    return splitter_entry();
}

unsigned splitter_entry() {
    return ::if_nametoindex(kWhole);
}

int splitter_exit() {
    return static_cast<int>(::if_nametoindex(kSplit));
}

std::string splitter_fault(Rtnl& rtnl) {
    for (const auto* end : {kWhole, kSplit}) {
        if (auto fault = fault_of_end(end); !fault.empty()) return fault;
    }
    if (segments_taken(rtnl, kWhole) > 1 || is_on(kWhole, ETHTOOL_GTSO) || leaves_datagrams(kWhole))
        return fmt::format("{} takes more than single segments", kWhole);
    if (is_on(kSplit, ETHTOOL_GGRO)) return fmt::format("{} joins segments again", kSplit);
    return {};
}

void remove_splitter() {
    remove_veth_pair(kWhole);
}

}  // namespace sidestep
