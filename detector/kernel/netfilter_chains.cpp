// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/netfilter_chains.hpp"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string_view>

#include "detector/kernel/rtnl.hpp"

namespace sidestep {
namespace {

constexpr int chain_message(int type) {
    return NFNL_SUBSYS_NFTABLES << 8 | type;
}

/// Numbers are in network order.
std::optional<std::uint32_t> number_in(nlattr* attribute) {
    if (attribute == nullptr || nla_len(attribute) < static_cast<int>(sizeof(std::uint32_t))) return std::nullopt;
    return ntohl(nla_get_u32(attribute));
}

std::string text_in(nlattr* attribute) {
    if (attribute == nullptr) return {};
    const auto* text = static_cast<const char*>(nla_data(attribute));
    return {text, ::strnlen(text, static_cast<std::size_t>(std::max(nla_len(attribute), 0)))};
}

const char* family_name(unsigned family) {
    switch (family) {
        case NFPROTO_INET:
            return "inet";
        case NFPROTO_IPV4:
            return "ip";
        case NFPROTO_IPV6:
            return "ip6";
        default:
            return nullptr;  // bridges have other hooks
    }
}

bool is_at_forward(nlattr* hook) {
    std::array<nlattr*, NFTA_HOOK_MAX + 1> attributes{};
    if (hook == nullptr || nla_parse_nested(attributes.data(), NFTA_HOOK_MAX, hook, nullptr) < 0) return false;
    return number_in(attributes[NFTA_HOOK_HOOKNUM]) == NF_INET_FORWARD;
}

bool names_filter(const char* path) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (line == "filter") return true;
    }
    return false;
}

}  // namespace

std::optional<std::string> read_forward_chain(nlmsghdr* header) {
    nfgenmsg family{};
    std::array<nlattr*, NFTA_CHAIN_MAX + 1> attributes{};
    if (header->nlmsg_type != chain_message(NFT_MSG_NEWCHAIN) || nlmsg_valid_hdr(header, sizeof family) == 0)
        return std::nullopt;
    std::memcpy(&family, nlmsg_data(header), sizeof family);
    const auto* name = family_name(family.nfgen_family);
    if (name == nullptr || nlmsg_parse(header, sizeof family, attributes.data(), NFTA_CHAIN_MAX, nullptr) < 0)
        return std::nullopt;
    if (!is_at_forward(attributes[NFTA_CHAIN_HOOK])) return std::nullopt;
    // Distributions install empty chains that accept all.
    if (number_in(attributes[NFTA_CHAIN_USE]) == 0U && number_in(attributes[NFTA_CHAIN_POLICY]) == NF_ACCEPT)
        return std::nullopt;
    return std::string(name) + " " + text_in(attributes[NFTA_CHAIN_TABLE]) + " " + text_in(attributes[NFTA_CHAIN_NAME]);
}

std::vector<std::string> forward_chains() {
    std::vector<std::string> chains;
    if (auto socket = Rtnl::open(NETLINK_NETFILTER); socket) {
        // What refuses the question has no nf_tables.
        (void)socket->dump([] { return rtnl_message(chain_message(NFT_MSG_GETCHAIN), NLM_F_DUMP, nfgenmsg{}); },
                           [&](nlmsghdr* header) {
                               if (auto chain = read_forward_chain(header)) chains.push_back(std::move(*chain));
                           });
    }
    if (names_filter("/proc/net/ip_tables_names")) chains.emplace_back("iptables filter");
    if (names_filter("/proc/net/ip6_tables_names")) chains.emplace_back("ip6tables filter");
    std::ranges::sort(chains);  // a dump that starts again names some twice
    chains.erase(std::ranges::unique(chains).begin(), chains.end());
    return chains;
}

}  // namespace sidestep
