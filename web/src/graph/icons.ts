// One icon for each kind of node.
import Archive from '@lucide/svelte/icons/archive-x';
import Box from '@lucide/svelte/icons/box';
import Cloud from '@lucide/svelte/icons/cloud';
import Folder from '@lucide/svelte/icons/layers';
import Forwarder from '@lucide/svelte/icons/router';
import Ghost from '@lucide/svelte/icons/ghost';
import Globe from '@lucide/svelte/icons/globe';
import Key from '@lucide/svelte/icons/key-round';
import Network from '@lucide/svelte/icons/network';
import Server from '@lucide/svelte/icons/server';
import Warning from '@lucide/svelte/icons/badge-alert';
import type { Component } from 'svelte';

const ICONS: Record<string, Component> = {
  workload: Box,
  token: Key,
  address: Network,
  anonymous: Ghost,
  claimed: Warning,
  uncounted: Archive,
  resolver: Server,
  forwarder: Forwarder,
  engine: Server,
  upstream: Cloud,
  domain: Globe,
  folded: Folder,
};

/** The icon of a kind; one that a newer API knows is a box. */
export const iconOf = (kind: string): Component => ICONS[kind] ?? Box;
