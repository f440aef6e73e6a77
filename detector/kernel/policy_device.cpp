// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/policy_device.hpp"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/fd.hpp"

namespace sidestep {
namespace {

constexpr std::string_view kAlias = "sidestep ";
constexpr unsigned kLeastMtu = 1280;  // RFC 8200, 5

struct Link {
    int ifindex = 0;
    int peer = 0;
    std::string name;
    std::string alias;
    std::string kind;
    bool noarp = false;

    /// An alias alone may be anybody's: "sidestep uplink" of a NIC, say.
    [[nodiscard]] bool ours() const {
        const bool of_a_kind = kind == "dummy" || kind == "ifb" || kind == "veth";
        return alias.starts_with(kAlias) && of_a_kind && noarp;
    }
};

std::string text_of(nlattr* attribute) {
    return attribute == nullptr ? std::string() : std::string(nla_get_string(attribute));
}

Link link_of(nlmsghdr* header) {
    const auto* info = static_cast<const ifinfomsg*>(nlmsg_data(header));
    const auto find = [&](int type) { return nlmsg_find_attr(header, sizeof(ifinfomsg), type); };
    Link link{.ifindex = info->ifi_index,
              .peer = find(IFLA_LINK) == nullptr ? 0 : nla_get_s32(find(IFLA_LINK)),
              .name = text_of(find(IFLA_IFNAME)),
              .alias = text_of(find(IFLA_IFALIAS)),
              .kind = {},
              .noarp = (info->ifi_flags & IFF_NOARP) != 0};
    if (auto* details = find(IFLA_LINKINFO)) {
        link.kind = text_of(nla_find(static_cast<nlattr*>(nla_data(details)), nla_len(details), IFLA_INFO_KIND));
    }
    return link;
}

Result<std::vector<Link>> links(Rtnl& rtnl) {
    std::vector<Link> all;
    const auto dumped = rtnl.dump([] { return rtnl_message(RTM_GETLINK, NLM_F_DUMP, ifinfomsg{}); },
                                  [&](nlmsghdr* header) {
                                      if (header->nlmsg_type == RTM_NEWLINK) all.push_back(link_of(header));
                                  });
    if (!dumped) return std::unexpected(dumped.error());
    return all;
}

Result<std::optional<Link>> find_link(Rtnl& rtnl, const std::string& name) {
    auto all = links(rtnl);
    if (!all) return std::unexpected(all.error());
    const auto found = std::ranges::find(*all, name, &Link::name);
    return found == all->end() ? std::nullopt : std::optional(*found);
}

void put_text(nl_msg* message, int type, std::string_view text) {
    nla_put_string(message, type, std::string(text).c_str());
}

NlMessage creation(const std::string& name, std::string_view kind) {
    auto message = rtnl_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
    put_text(message.get(), IFLA_IFNAME, name);
    auto* details = nla_nest_start(message.get(), IFLA_LINKINFO);
    put_text(message.get(), IFLA_INFO_KIND, kind);
    if (kind == "veth") {  // the kernel chooses the peer's name
        auto* data = nla_nest_start(message.get(), IFLA_INFO_DATA);
        auto* peer = nla_nest_start(message.get(), VETH_INFO_PEER);
        ifinfomsg info{};
        nlmsg_append(message.get(), &info, sizeof info, 0);
        nla_nest_end(message.get(), peer);
        nla_nest_end(message.get(), data);
    }
    nla_nest_end(message.get(), details);
    return message;
}

NlMessage change(int ifindex, unsigned flags_on) {
    ifinfomsg info{};
    info.ifi_index = ifindex;
    info.ifi_flags = info.ifi_change = flags_on;
    return rtnl_message(RTM_NEWLINK, 0, info);
}

std::expected<void, Refusal> delete_link(Rtnl& rtnl, int ifindex) {
    ifinfomsg info{};
    info.ifi_index = ifindex;
    auto deleted = rtnl.request(rtnl_message(RTM_DELLINK, 0, info));
    if (!deleted && deleted.error().error == ENODEV) return {};
    return deleted;
}

std::string sysctl_path(const std::string& scope, std::string_view key) {
    return fmt::format("/proc/sys/net/ipv6/conf/{}/{}", scope, key);
}

/// First character of a sysctl; 0 if it cannot be read.
char read_sysctl(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    char value = 0;
    return fd && ::read(fd.get(), &value, 1) == 1 ? value : '\0';
}

/// Writes only if the value differs: /proc/sys may be read-only in a container that was prepared from outside.
Result<void> write_sysctl(const std::string& path, char value) {
    if (read_sysctl(path) == value) return {};
    const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), &value, 1) != 1) return fail_errno(fmt::format("cannot write {} to {}", value, path));
    return {};
}

Result<void> write_sysctls(const std::string& interface) {
    // The device has no address and sends nothing to find one: all packets that leave by it are under a policy.
    constexpr std::array<std::pair<const char*, char>, 5> kWanted{{{"addr_gen_mode", '1'},
                                                                   {"accept_dad", '0'},
                                                                   {"accept_ra", '0'},
                                                                   {"disable_ipv6", '0'},
                                                                   {"seg6_enabled", '1'}}};
    for (const auto& [key, value] : kWanted) {
        if (auto written = write_sysctl(sysctl_path(interface, key), value); !written) return written;
    }
    return {};
}

}  // namespace

Result<PolicyDevice> PolicyDevice::create(const std::string& name, const std::string& node,
                                          std::span<const std::string_view> kinds) {
    auto rtnl = Rtnl::open();
    if (!rtnl) return std::unexpected(rtnl.error());
    PolicyDevice device(std::move(*rtnl), name);
    auto present = find_link(device.rtnl_, name);
    if (!present) return std::unexpected(present.error());
    device.adopted_ = present->has_value();
    if (*present && !(*present)->ours()) {
        return fail(
            fmt::format("cannot create the policy device {0}: an interface of that name exists and is not ours; "
                        "give the device another name",
                        name));
    }
    if (!*present) {
        if (auto made = device.make(kinds); !made) return std::unexpected(made.error());
        present = find_link(device.rtnl_, name);
        if (!present || !*present) return fail("the policy device " + name + " disappeared right after it was created");
    }
    device.ifindex_ = (*present)->ifindex;
    device.peer_ = (*present)->peer;
    device.kind_ = (*present)->kind;
    if (auto done = device.configure(node); !done) {
        if (!device.adopted_) (void)device.remove();
        return std::unexpected(done.error());
    }
    return device;
}

Result<void> PolicyDevice::make(std::span<const std::string_view> kinds) {
    for (const auto kind : kinds) {
        const auto created = rtnl_.request(creation(name_, kind));
        if (created) return {};
        if (created.error().error != EOPNOTSUPP) {
            return fail(fmt::format("cannot create the policy device {}: {}", name_, created.error().text));
        }
    }
    return fail(
        fmt::format("cannot create the policy device {}: the kernel has no links of type {} (CONFIG_DUMMY, "
                    "CONFIG_IFB or CONFIG_VETH)",
                    name_, fmt::join(kinds, ", ")));
}

Result<void> PolicyDevice::configure(const std::string& node) {
    // Alias and flag come first: with them, a successor recognizes the device even if this process dies now.
    auto named = change(ifindex_, IFF_NOARP);
    put_text(named.get(), IFLA_IFALIAS, std::string(kAlias) + node);
    if (auto done = rtnl_.request(std::move(named)); !done) {
        return fail(fmt::format("cannot set the alias of {}: {}", name_, done.error().text));
    }
    if (auto written = write_sysctls(name_); !written) return written;
    if (kind_ == "veth") {
        if (auto done = configure_peer(); !done) return done;
    }
    if (auto done = rtnl_.request(change(ifindex_, IFF_UP)); !done) {
        return fail(fmt::format("cannot bring up {}: {}", name_, done.error().text));
    }
    return {};
}

Result<void> PolicyDevice::configure_peer() {
    std::array<char, IF_NAMESIZE> peer{};
    if (::if_indextoname(static_cast<unsigned>(peer_), peer.data()) == nullptr) {
        return fail_errno("cannot find the peer of " + name_);
    }
    if (auto written = write_sysctl(sysctl_path(peer.data(), "disable_ipv6"), '1'); !written) return written;
    if (auto done = rtnl_.request(change(peer_, IFF_UP | IFF_NOARP)); !done) {
        return fail(fmt::format("cannot bring up the peer of {}: {}", name_, done.error().text));
    }
    return {};
}

std::optional<PolicyDevice> PolicyDevice::find(const std::string& name) {
    auto rtnl = Rtnl::open();
    if (!rtnl) return std::nullopt;
    PolicyDevice device(std::move(*rtnl), name);
    const auto present = find_link(device.rtnl_, name);
    if (!present || !*present || !(*present)->ours()) return std::nullopt;
    device.ifindex_ = (*present)->ifindex;
    device.peer_ = (*present)->peer;
    device.kind_ = (*present)->kind;
    device.adopted_ = true;
    return device;
}

Result<void> PolicyDevice::remove_leftovers(const std::string& keep) {
    auto rtnl = Rtnl::open();
    if (!rtnl) return std::unexpected(rtnl.error());
    const auto all = links(*rtnl);
    if (!all) return std::unexpected(all.error());
    for (const auto& link : *all) {
        if (!link.ours() || link.name == keep) continue;
        if (auto deleted = delete_link(*rtnl, link.ifindex); !deleted) {
            return fail(fmt::format("cannot remove the device {}: {}", link.name, deleted.error().text));
        }
    }
    return {};
}

bool PolicyDevice::accepts_srh() {
    return read_sysctl(sysctl_path("all", "seg6_enabled")) == '1';
}

Result<void> PolicyDevice::set_mtu(unsigned bytes) {
    if (bytes < kLeastMtu) {
        return fail(fmt::format("the policy device {} cannot have an MTU of {}: IPv6 needs at least {}", name_, bytes,
                                kLeastMtu));
    }
    auto message = change(ifindex_, 0);
    nla_put_u32(message.get(), IFLA_MTU, bytes);
    if (auto done = rtnl_.request(std::move(message)); !done) {
        return fail(fmt::format("cannot set the MTU of {} to {}: {}", name_, bytes, done.error().text));
    }
    return {};
}

std::string PolicyDevice::fault() const {
    ifreq request{};
    if (::if_indextoname(static_cast<unsigned>(ifindex_), request.ifr_name) == nullptr) return "is gone";
    if (name_ != request.ifr_name) return fmt::format("is called {} now", request.ifr_name);
    const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket || ::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return {};
    return (request.ifr_flags & IFF_UP) != 0 ? "" : "is down";
}

Result<void> PolicyDevice::remove() {
    if (auto done = delete_link(rtnl_, ifindex_); !done) {
        return fail(fmt::format("cannot remove the policy device {}: {}", name_, done.error().text));
    }
    return {};
}

}  // namespace sidestep
