// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Reads and writes frames byte by byte, so that neither alignment nor the machine's byte order matters.
#include "detector/bfd/dplane_message.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <string_view>

#include <fmt/format.h>

namespace sidestep::bfd {
namespace {

enum class Type : std::uint16_t {
    echo_request = 0,
    echo_reply = 1,
    add_session = 2,
    delete_session = 3,
    state_change = 4,
    ask_counters = 5,
    counters = 6,
};

constexpr std::size_t kInterfaceName = 64;
constexpr std::size_t kSession = 132;            // bytes of a session in version 1
constexpr std::size_t kLongerSession = 348;      // in version 2
constexpr std::uint32_t kRemoteIndependent = 1;  // the neighbor's C bit (RFC 5880, 4.1)

// Flags of a session, from bit 0.
constexpr std::uint32_t kMultihop = 1U << 0;
constexpr std::uint32_t kDemand = 1U << 1;
constexpr std::uint32_t kCBit = 1U << 2;
constexpr std::uint32_t kEcho = 1U << 3;
constexpr std::uint32_t kIpv6 = 1U << 4;
constexpr std::uint32_t kPassive = 1U << 5;
constexpr std::uint32_t kShutdown = 1U << 6;

/// Takes numbers from the front; who calls has made sure that they are there.
class Reader {
  public:
    explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    template <std::unsigned_integral T>
    T number() {
        std::uint64_t value = 0;
        for (const auto byte : take(sizeof(T))) value = (value << 8U) | byte;
        return static_cast<T>(value);
    }
    std::span<const std::uint8_t> take(std::size_t count) {
        const auto front = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return front;
    }

  private:
    std::span<const std::uint8_t> bytes_;
};

class Writer {
  public:
    Writer(std::uint8_t version, Type type, std::uint16_t id, std::size_t body) {
        add(version);
        add(std::uint8_t{0});
        add(static_cast<std::uint16_t>(type));
        add(id);
        add(static_cast<std::uint16_t>(kFrameHeader + body));
    }
    template <std::unsigned_integral T>
    void add(T value) {
        for (std::size_t i = sizeof(T); i > 0; --i)
            bytes_.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * (i - 1))));
    }
    std::vector<std::uint8_t> done() { return std::move(bytes_); }

  private:
    std::vector<std::uint8_t> bytes_;
};

/// IPv4 addresses are in the first four bytes.
Address address_of(std::span<const std::uint8_t> bytes, bool ipv6) {
    Address address;
    if (ipv6 || std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; })) {
        std::ranges::copy(bytes, address.bytes.begin());
        return address;
    }
    address.bytes[10] = address.bytes[11] = 0xff;
    std::ranges::copy(bytes.first(4), address.bytes.begin() + 12);
    return address;
}

Result<AskedSession> read_session(std::span<const std::uint8_t> body, std::uint8_t version) {
    Reader reader(body);
    AskedSession session;
    const auto flags = reader.number<std::uint32_t>();
    session.multihop = (flags & kMultihop) != 0;
    session.demand = (flags & kDemand) != 0;
    session.c_bit = (flags & kCBit) != 0;
    session.echo = (flags & kEcho) != 0;
    session.passive = (flags & kPassive) != 0;
    session.shutdown = (flags & kShutdown) != 0;
    const bool ipv6 = (flags & kIpv6) != 0;
    session.source = address_of(reader.take(16), ipv6);
    session.destination = address_of(reader.take(16), ipv6);
    session.discriminator = reader.number<std::uint32_t>();
    session.min_tx_us = reader.number<std::uint32_t>();
    session.min_rx_us = reader.number<std::uint32_t>();
    session.min_echo_tx_us = reader.number<std::uint32_t>();
    session.min_echo_rx_us = reader.number<std::uint32_t>();
    session.hold_ms = reader.number<std::uint32_t>();
    session.ttl = reader.number<std::uint8_t>();
    session.multiplier = reader.number<std::uint8_t>();
    (void)reader.number<std::uint16_t>();
    session.ifindex = reader.number<std::uint32_t>();
    const auto name = reader.take(kInterfaceName);
    const auto end = std::ranges::find(name, 0);
    if (end == name.end()) return fail("the interface's name has no end");
    session.interface.assign(name.begin(), end);
    if (version >= 2) session.mode = reader.number<std::uint8_t>();
    if (session.discriminator == 0) return fail("the discriminator is 0");
    return session;
}

/// Bytes that the body needs at least.
std::size_t needed(Type type, std::uint8_t version) {
    switch (type) {
        case Type::echo_request:
            return 16;
        case Type::add_session:
        case Type::delete_session:
            return version >= 2 ? kLongerSession : kSession;
        case Type::ask_counters:
            return 4;
        default:
            return 0;
    }
}

}  // namespace

Result<std::size_t> frame_length(std::span<const std::uint8_t> bytes) {
    if (bytes.empty()) return 0;
    if (bytes[0] != 1 && bytes[0] != 2)
        return fail(fmt::format("version {} of the data plane protocol; known are 1 and 2", bytes[0]));
    if (bytes.size() < kFrameHeader) return 0;
    const std::size_t length = bytes[6] * 256U + bytes[7];
    if (length < kFrameHeader || length > kLongestFrame)
        return fail(
            fmt::format("a frame of {} bytes; from {} to {} are possible", length, kFrameHeader, kLongestFrame));
    return length;
}

Result<DplaneMessage> read_message(std::span<const std::uint8_t> frame) {
    Reader reader(frame);
    DplaneMessage message;
    message.version = reader.number<std::uint8_t>();
    (void)reader.number<std::uint8_t>();
    const auto number = reader.number<std::uint16_t>();
    message.id = reader.number<std::uint16_t>();
    const auto type = static_cast<Type>(number);
    const auto body = frame.subspan(kFrameHeader);
    if (body.size() < needed(type, message.version))
        return fail(fmt::format("a message of type {} with {} bytes, {} are needed", number, body.size(),
                                needed(type, message.version)));
    Reader fields(body);
    switch (type) {
        case Type::add_session:
        case Type::delete_session: {
            auto session = read_session(body, message.version);
            if (!session) return std::unexpected(session.error());
            if (type == Type::delete_session) {
                message.body = DeleteSession{session->discriminator};
            } else {
                message.body = AddSession{std::move(*session)};
            }
            break;
        }
        case Type::ask_counters:
            message.body = AskCounters{fields.number<std::uint32_t>()};
            break;
        case Type::echo_request: {
            const auto dplane_time = fields.number<std::uint64_t>();
            message.body = EchoRequest{.dplane_time = dplane_time, .bfdd_time = fields.number<std::uint64_t>()};
            break;
        }
        default:
            message.body = OtherMessage{number};
    }
    return message;
}

std::vector<std::uint8_t> write_state_change(std::uint8_t version, const StateChange& change) {
    Writer writer(version, Type::state_change, 0, 28);
    writer.add(change.discriminator);
    writer.add(change.remote_discriminator);
    writer.add(change.remote_c_bit ? kRemoteIndependent : std::uint32_t{0});
    writer.add(change.remote_tx_us);
    writer.add(change.remote_rx_us);
    writer.add(change.remote_echo_rx_us);
    writer.add(static_cast<std::uint8_t>(change.state));
    writer.add(static_cast<std::uint8_t>(change.diagnostic));
    writer.add(change.remote_multiplier);
    writer.add(std::uint8_t{0});
    return writer.done();
}

std::vector<std::uint8_t> write_counters(std::uint8_t version, std::uint16_t id, std::uint32_t discriminator,
                                         const SessionCounters& counters) {
    Writer writer(version, Type::counters, id, 72);
    writer.add(discriminator);
    writer.add(std::uint32_t{0});  // bfdd's structure aligns what follows to 8 bytes
    for (const auto value : {counters.bytes_in, counters.packets_in, counters.bytes_out, counters.packets_out})
        writer.add(value);
    for (int echo = 0; echo < 4; ++echo) writer.add(std::uint64_t{0});
    return writer.done();
}

std::vector<std::uint8_t> write_echo_reply(std::uint8_t version, std::uint16_t id, const EchoRequest& request) {
    Writer writer(version, Type::echo_reply, id, 16);
    writer.add(request.dplane_time);
    writer.add(request.bfdd_time);
    return writer.done();
}

}  // namespace sidestep::bfd
