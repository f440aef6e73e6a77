// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// Spells values of a configuration.
#include "detector/core/field_changes.hpp"

#include "detector/core/names.hpp"

namespace sidestep {

std::string text_of(const std::string& value) {
    return value.empty() ? "none" : value;
}
std::string text_of(unsigned value) {
    return std::to_string(value);
}
std::string text_of(bool value) {
    return value ? "true" : "false";
}
std::string text_of(Nanoseconds value) {
    return format_duration(value);
}
std::string text_of(const Address& value) {
    return value == Address{} ? "none" : value.to_string();
}
std::string text_of(const std::optional<Address>& value) {
    return value ? value->to_string() : "none";
}
std::string text_of(const std::vector<Address>& values) {
    std::vector<std::string> texts;
    for (const auto& value : values) texts.push_back(value.to_string());
    return fmt::format("[{}]", fmt::join(texts, ", "));
}
std::string text_of(const std::vector<Prefix>& values) {
    std::vector<std::string> texts;
    for (const auto& value : values) texts.push_back(value.to_string());
    return fmt::format("[{}]", fmt::join(texts, ", "));
}
std::string text_of(const std::vector<unsigned>& values) {
    return fmt::format("[{}]", fmt::join(values, ", "));
}
std::string text_of(Turnaround value) {
    return std::string(to_string(value));
}
std::string text_of(Start value) {
    return std::string(to_string(value));
}
std::string text_of(Ipsec value) {
    return std::string(to_string(value));
}
std::string text_of(Netfilter value) {
    return std::string(to_string(value));
}
std::string text_of(Mode value) {
    return std::string(to_string(value));
}
std::string text_of(ClockKind value) {
    return std::string(to_string(value));
}
std::string text_of(const std::optional<DampingSettings>& value) {
    if (!value) return "none";
    return fmt::format("half-life {} suppress {} reuse {} max-suppress {}", format_duration(value->half_life),
                       value->suppress, value->reuse, format_duration(value->max_suppress));
}

std::string text_of(const std::optional<BfdSettings>& value) {
    if (!value) return "none";
    const auto& auth = value->auth;
    std::string far;
    if (value->kind != BfdKind::link)
        far = fmt::format("{} minimum-ttl {} ", to_string(value->kind), value->minimum_ttl);
    if (value->kind == BfdKind::seamless) far += fmt::format("discriminator {} ", value->reflector);
    return far + fmt::format("receive-interval {} peer {} local-address {} passive {} authentication {}",
                             format_duration(value->receive_interval), text_of(value->peer),
                             text_of(value->local_address), text_of(value->passive),
                             auth ? fmt::format("{} by {}", auth->meticulous ? "meticulous-keyed-sha1" : "keyed-sha1",
                                                auth->file)
                                  : "none");
}

std::string text_of(const std::optional<ReflectorConfig>& value) {
    if (!value) return "none";
    auto text = fmt::format("port {} addresses {} sources {} rate {}", value->port, text_of(value->addresses),
                            text_of(value->sources), value->rate);
    if (value->stateful) text += " stateful";
    if (value->ptp) text += " ptp";
    if (!value->discriminators.empty())
        text += fmt::format(" discriminators [{}] receive-interval {} admin-down {}",
                            fmt::join(value->discriminators, ", "), format_duration(value->receive_interval),
                            text_of(value->admin_down));
    return text;
}

}  // namespace sidestep
