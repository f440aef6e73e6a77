// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Sends hand-made requests to rtnetlink and returns the kernel's own text if it refuses one: libnl's error codes lose
// both the errno and the text.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/error.hpp"

struct nl_sock;
struct nl_msg;
struct nlmsghdr;

namespace sidestep {

struct NlFree {
    void operator()(nl_sock* socket) const;
    void operator()(nl_msg* message) const;
};
using NlMessage = std::unique_ptr<nl_msg, NlFree>;

/// Why the kernel refused a request.
struct Refusal {
    int error = 0;     ///< errno value, positive
    std::string text;  ///< text of the errno, and what the kernel adds to it
};

/// A message with this type and these flags (in addition to NLM_F_REQUEST) that begins with `header`; throws
/// std::bad_alloc.
NlMessage rtnl_message(int type, int flags, const void* header, std::size_t size);
template <typename Header>
NlMessage rtnl_message(int type, int flags, const Header& header) {
    return rtnl_message(type, flags, &header, sizeof header);
}

/// One socket, in the network namespace of the thread that opened it; for use by one thread at a time.
class Rtnl {
  public:
    static Result<Rtnl> open();
    /// The same for another protocol of netlink.
    static Result<Rtnl> open(int protocol);

    /// Sends a request and waits for its acknowledgement.
    std::expected<void, Refusal> request(NlMessage message);
    /// Sends a request that has one answer, and passes it to `each`.
    std::expected<void, Refusal> ask(NlMessage message, const std::function<void(nlmsghdr*)>& each);
    /// Sends a dump request and passes each message to `each`. If a change interrupts the dump, it starts again, so
    /// `each` may see an entry twice.
    Result<void> dump(const std::function<NlMessage()>& make, const std::function<void(nlmsghdr*)>& each);

  private:
    struct State {
        Refusal refusal;
        const std::function<void(nlmsghdr*)>* each = nullptr;
    };
    Rtnl(std::unique_ptr<nl_sock, NlFree> socket, std::unique_ptr<State> state)
        : socket_(std::move(socket)), state_(std::move(state)) {}
    static void hear(nl_sock* socket, State* state);

    std::unique_ptr<nl_sock, NlFree> socket_;
    std::unique_ptr<State> state_;  ///< libnl's callbacks point to it
};

}  // namespace sidestep
