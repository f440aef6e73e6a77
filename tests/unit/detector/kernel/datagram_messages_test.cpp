// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Datagrams whose messages end where they should, and those whose messages do not. Each is in memory of its own size, so
// that AddressSanitizer sees what reads on.
#include "detector/kernel/datagram_messages.hpp"

#include <cstring>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sidestep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A message for each type, with these lengths as it says itself; `size` bytes of them are in the datagram.
std::vector<char> datagram_of(const std::vector<std::uint32_t>& lengths, std::size_t size) {
    std::vector<char> whole(1024);
    std::size_t at = 0;
    std::uint16_t type = 1;
    for (const auto length : lengths) {
        const nlmsghdr header{
            .nlmsg_len = length, .nlmsg_type = type++, .nlmsg_flags = 0, .nlmsg_seq = 0, .nlmsg_pid = 0};
        std::memcpy(whole.data() + at, &header, sizeof header);
        at += NLMSG_ALIGN(length);
    }
    return {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)};
}

std::vector<int> types_in(std::vector<char> datagram) {
    std::vector<int> types;
    for_each_message(datagram, [&](const nlmsghdr* header) { types.push_back(header->nlmsg_type); });
    return types;
}

TEST(DatagramMessages, AreTakenOneByOne) {
    EXPECT_THAT(types_in(datagram_of({20, 16, 32}, 68)), ElementsAre(1, 2, 3));
    EXPECT_THAT(types_in(datagram_of({18, 16}, 36)), ElementsAre(1, 2)) << "the next one begins after the padding";
    EXPECT_THAT(types_in({}), IsEmpty());
}

TEST(DatagramMessages, EndWithoutPadding) {
    EXPECT_THAT(types_in(datagram_of({16, 17}, 33)), ElementsAre(1, 2));
    EXPECT_THAT(types_in(datagram_of({19}, 19)), ElementsAre(1));
}

TEST(DatagramMessages, EndAtTheFirstThatIsNotWhole) {
    EXPECT_THAT(types_in(datagram_of({16, 20}, 35)), ElementsAre(1)) << "it says 20 bytes, and has 19";
    EXPECT_THAT(types_in(datagram_of({16, 20}, 20)), ElementsAre(1)) << "not even its header";
    EXPECT_THAT(types_in(datagram_of({16, 4}, 32)), ElementsAre(1)) << "shorter than its header";
    EXPECT_THAT(types_in(datagram_of({16, 0}, 32)), ElementsAre(1)) << "it would never end";
}

}  // namespace
}  // namespace sidestep
