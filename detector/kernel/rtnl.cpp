// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "detector/kernel/rtnl.hpp"

#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#include <new>

namespace sidestep {
namespace {

constexpr int kDumpAttempts = 5;

/// The kernel's text in addition to the errno (NLMSGERR_ATTR_MSG); empty if there is none.
std::string extended_text(nlmsgerr* error) {
    // The message header precedes `error` in memory; libnl passes only the payload.
    auto* header = reinterpret_cast<nlmsghdr*>(reinterpret_cast<char*>(error) - NLMSG_HDRLEN);
    if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
    auto skipped = sizeof(nlmsgerr);
    if ((header->nlmsg_flags & NLM_F_CAPPED) == 0) skipped += NLMSG_ALIGN(error->msg.nlmsg_len - NLMSG_HDRLEN);
    if (header->nlmsg_len < NLMSG_HDRLEN + skipped) return {};
    auto* text = nlmsg_find_attr(header, static_cast<int>(skipped), NLMSGERR_ATTR_MSG);
    return text == nullptr ? std::string() : std::string(nla_get_string(text));
}

Refusal refusal_of(nlmsgerr* error) {
    Refusal refusal{.error = -error->error, .text = std::strerror(-error->error)};
    if (const auto more = extended_text(error); !more.empty()) refusal.text += " (" + more + ")";
    return refusal;
}

}  // namespace

void NlFree::operator()(nl_sock* socket) const {
    nl_socket_free(socket);
}

void NlFree::operator()(nl_msg* message) const {
    nlmsg_free(message);
}

NlMessage rtnl_message(int type, int flags, const void* header, std::size_t size) {
    NlMessage message(nlmsg_alloc_simple(type, NLM_F_REQUEST | flags));
    if (!message) throw std::bad_alloc();
    if (nlmsg_append(message.get(), const_cast<void*>(header), size, NLMSG_ALIGNTO) < 0) throw std::bad_alloc();
    return message;
}

Result<Rtnl> Rtnl::open() {
    return open(NETLINK_ROUTE);
}

Result<Rtnl> Rtnl::open(int protocol) {
    std::unique_ptr<nl_sock, NlFree> socket(nl_socket_alloc());
    if (!socket) return fail("no memory for a netlink socket");
    if (const int error = nl_connect(socket.get(), protocol); error < 0) {
        return fail(std::string("netlink: ") + nl_geterror(error));
    }
    // Without these options, answers are less precise and dumps longer; nothing else depends on them.
    const int on = 1;
    for (const int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
        (void)::setsockopt(nl_socket_get_fd(socket.get()), SOL_NETLINK, option, &on, sizeof on);
    }
    auto state = std::make_unique<State>();
    hear(socket.get(), state.get());
    return Rtnl(std::move(socket), std::move(state));
}

void Rtnl::hear(nl_sock* socket, State* state) {
    nl_socket_modify_err_cb(
        socket, NL_CB_CUSTOM,
        [](sockaddr_nl*, nlmsgerr* error, void* self) -> int {
            static_cast<State*>(self)->refusal = refusal_of(error);
            return NL_STOP;
        },
        state);
    nl_socket_modify_cb(
        socket, NL_CB_VALID, NL_CB_CUSTOM,
        [](nl_msg* message, void* self) -> int {
            const auto* each = static_cast<State*>(self)->each;
            if (each != nullptr) (*each)(nlmsg_hdr(message));
            return NL_OK;
        },
        state);
}

std::expected<void, Refusal> Rtnl::request(NlMessage message) {
    state_->refusal = {};
    const int result = nl_send_sync(socket_.get(), message.release());  // frees the message
    if (result >= 0) return {};
    if (state_->refusal.error == 0) state_->refusal = {.error = EIO, .text = nl_geterror(result)};
    return std::unexpected(state_->refusal);
}

std::expected<void, Refusal> Rtnl::ask(NlMessage message, const std::function<void(nlmsghdr*)>& each) {
    state_->each = &each;
    state_->refusal = {};
    int result = nl_send_auto(socket_.get(), message.get());
    if (result >= 0) result = nl_recvmsgs_default(socket_.get());
    if (result >= 0) result = nl_wait_for_ack(socket_.get());
    state_->each = nullptr;
    if (result >= 0) return {};
    if (state_->refusal.error == 0) state_->refusal = {.error = EIO, .text = nl_geterror(result)};
    return std::unexpected(state_->refusal);
}

Result<void> Rtnl::dump(const std::function<NlMessage()>& make, const std::function<void(nlmsghdr*)>& each) {
    state_->each = &each;
    int result = -NLE_DUMP_INTR;
    for (int attempt = 0; attempt < kDumpAttempts && result == -NLE_DUMP_INTR; ++attempt) {
        state_->refusal = {};
        auto message = make();
        result = nl_send_auto(socket_.get(), message.get());
        if (result >= 0) result = nl_recvmsgs_default(socket_.get());
    }
    state_->each = nullptr;
    if (result >= 0) return {};
    return fail("netlink dump: " + (state_->refusal.error != 0 ? state_->refusal.text : nl_geterror(result)));
}

}  // namespace sidestep
