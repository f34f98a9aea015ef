import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const user = {
  name: 'ada',
  role: 'operator',
  via: 'session',
  must_change_password: false,
  has_second_factor: true,
  has_password: true,
  session: 'a-secret-of-nobody',
};

/** A page that is opened anew; the API gives this answer. */
async function open(status: number, body: object) {
  vi.resetModules();
  const answer = new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json' },
  });
  vi.stubGlobal('fetch', () => Promise.resolve(answer));
  const { session } = await import('../src/api/session.svelte');
  return session;
}

const unknown = {
  type: 'urn:keyhole:problem:not_authenticated',
  status: 401,
  detail: 'no session',
};

beforeEach(() => localStorage.clear());
afterEach(() => vi.unstubAllGlobals());

describe('a page that is opened again', () => {
  test('begins with who was there, before the API has said it', async () => {
    await (await open(200, user)).load();
    const session = await open(200, { ...user, role: 'viewer' });
    expect(session.user?.name).toBe('ada');
    expect(session.may('operator')).toBe(true);
    expect(session.isConfirmed).toBe(false);
    await session.load();
    expect(session.may('operator')).toBe(false);
    expect(session.isConfirmed).toBe(true);
  });

  test('keeps nothing that could be used elsewhere', async () => {
    await (await open(200, user)).load();
    expect(JSON.stringify({ ...localStorage })).not.toContain(user.session);
  });

  test('begins with nobody after the session has ended', async () => {
    await (await open(200, user)).load();
    const ended = await open(401, unknown);
    await ended.load();
    expect(ended.user).toBeNull();
    expect(ended.hasEnded).toBe(true);
    expect((await open(200, user)).user).toBeUndefined();
  });

  test('begins with nobody where a password must be chosen first, or what is kept is no person', async () => {
    await (await open(200, { ...user, must_change_password: true })).load();
    expect((await open(200, user)).user).toBeUndefined();
    for (const kept of ['{', '[]', '{"name":1}', 'null']) {
      localStorage.setItem('keyhole.user', kept);
      expect((await open(200, user)).user).toBeUndefined();
    }
  });
});
