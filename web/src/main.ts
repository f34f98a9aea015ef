import './tokens.css';
import './base.css';

import { mount } from 'svelte';

import App from './app/App.svelte';
import { findPage } from './app/pages';

// The code of the page comes while the session is asked for. Its loader says it if it does not.
findPage(location.pathname)
  ?.page.load()
  .catch(() => undefined);

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no element with the id app');
mount(App, { target });
