// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// One session, by the readers of the configuration's sections.
#include "detector/config/client_session.hpp"

#include <array>
#include <utility>

#include "detector/config/reader.hpp"
#include "detector/core/client_sessions.hpp"

namespace sidestep {
namespace {

using namespace config_reader;

struct Kind {
    const char* key;
    void (*read)(Reading& reading, const YamlPlace& place);
};

constexpr std::array<Kind, 3> kKinds{{
    {.key = "adjacency", .read = read_adjacency},
    {.key = "path", .read = read_path},
    {.key = "passive", .read = read_passive},
}};

const std::initializer_list<std::string_view> kKeys{"adjacency", "path", "passive"};

void read_session(Reading& reading, const YamlPlace& root) {
    if (!root.expect_map(kKeys)) return;
    std::size_t kinds = 0;
    for (const auto& kind : kKinds) {
        const auto place = root.optional(kind.key);
        if (!place) continue;
        ++kinds;
        kind.read(reading, *place);
        if (place->has("bypass")) place_of(*place, "bypass").complain("is for adjacencies of the configuration");
    }
    if (kinds != 1) root.complain("needs one of adjacency, path and passive");
}

std::string text_of(const Complaints& complaints) {
    std::string text;
    for (const auto& complaint : complaints.list) {
        if (!text.empty()) text += '\n';
        if (!complaint.field.empty()) text += complaint.field + ": ";
        text += complaint.reason;
    }
    return text;
}

/// What the reader of a session has to know: which adjacencies there are, and the defaults.
Config surroundings(const Config& config) {
    Config result;
    result.node = config.node;
    result.source = config.source;
    result.source_v4 = config.source_v4;
    result.clock = config.clock;
    result.adjacencies = config.adjacencies;
    return result;
}

}  // namespace

Result<SessionConfig> read_client_session(const std::string& request, const Config& config,
                                          const InterfaceExists& exists, const ConfigLimits& limits) {
    Reading reading{.exists = exists,
                    .limits = limits,
                    .client = true,
                    .config = surroundings(config),
                    .defaults = config.probe_defaults,
                    .has_source_v4 = config.source_v4.has_value()};
    for (const auto& adjacency : config.adjacencies) {
        reading.adjacencies.add(adjacency.name);
        if (adjacency.neighbor.is_v4()) reading.v4_adjacencies.insert(adjacency.name);
    }
    Complaints complaints;
    read_yaml(request, complaints, [&](const YamlPlace& root) { read_session(reading, root); });
    if (!complaints.empty()) return fail(text_of(complaints));
    auto session = sessions_of(reading.config).back();  // adjacencies come first there, the new one last
    session.name = kClientPrefix + session.name;
    if (session.name.size() >= SS_NAME_MAX) return fail("name: is too long");
    return session;
}

}  // namespace sidestep
