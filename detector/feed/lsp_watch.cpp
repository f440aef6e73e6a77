// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/feed/lsp_watch.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>

namespace sidestep {
namespace {

/// LLC (ISO 8802-2) for IS-IS, then the common header (ISO 10589, 9.5); a PDU type has five bits.
constexpr unsigned kSaps = 0xfefe;
constexpr unsigned kDiscriminatorAt = 3;
constexpr unsigned kDiscriminator = 0x83;
constexpr unsigned kTypeAt = 7;
constexpr unsigned kTypeBits = 0x1f;
constexpr unsigned kLsp1 = 18;
constexpr unsigned kLsp2 = 20;

/// Lets LSPs of both levels through; hellos and sequence numbers PDUs come all the time.
bool filter_lsps(int socket) {
    std::array<sock_filter, 10> code{{
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kSaps, 0, 7),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kDiscriminatorAt),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kDiscriminator, 0, 5),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kTypeAt),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, kTypeBits),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kLsp1, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kLsp2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 1),  // one byte is enough to know
        BPF_STMT(BPF_RET | BPF_K, 0),
    }};
    const sock_fprog program{.len = code.size(), .filter = code.data()};
    return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

}  // namespace

Result<LspWatch> LspWatch::open() {
    // With protocol 0 it hears nothing before the filter is attached.
    Fd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_ll all{};
    all.sll_family = AF_PACKET;
    all.sll_protocol = htons(ETH_P_802_2);
    if (!socket || !filter_lsps(socket.get()) ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&all), sizeof all) != 0) {
        return fail_errno("cannot listen for LSPs");
    }
    return LspWatch(std::move(socket));
}

bool LspWatch::heard() {
    constexpr int kAtOnce = 4096;  // what is left makes it readable again
    char byte = 0;
    bool any = false;
    for (int i = 0; i < kAtOnce && ::recv(socket_.get(), &byte, sizeof byte, 0) >= 0; ++i) any = true;
    return any;
}

}  // namespace sidestep
