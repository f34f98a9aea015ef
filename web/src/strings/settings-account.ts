export const account = {
  who: 'You',
  name: 'Name',
  role: 'Role',
  elsewhere: 'Password and second factor',
  elsewhereMore: 'Your identity provider manages them. Change them there.',
};

export const password = {
  title: 'Password',
  current: 'Current password',
  fresh: 'New password',
  again: 'New password, again',
  hint: 'At least 12 characters; a sentence is fine. All other sessions end.',
  differ: 'The two differ.',
  submit: 'Change the password',
  done: 'Changed. All other sessions have ended.',
};

export const secondFactor = {
  title: 'Second factor',
  isOn: 'On',
  onMore: 'Signing in needs your password and a code of your authenticator.',
  isOff: 'Off',
  offMore:
    'With a second factor, signing in also needs a code that changes every 30 seconds. You need an authenticator: an app on your phone, or a password manager.',
  turnOn: 'Turn on',
  turnOff: 'Turn off',
  password: 'Password',
  passwordHint: 'To make sure that it is you.',
  wrongPassword: 'The password is wrong.',
  next: 'Next',
  qr: 'The secret of the second factor as a QR code',
  scan: 'Scan this code with your authenticator.',
  type: 'Or type the secret:',
  secret: 'the secret',
  code: 'Code',
  codeHint: 'The six digits that the authenticator shows now.',
  wrongCode: 'The code is wrong. Check the clock of the device.',
  confirm: 'Confirm',
  codes: 'Recovery codes',
  codesTitle: 'The second factor is on. Keep these recovery codes.',
  codesMore:
    'Each of them replaces a code once, if the device is lost. They cannot be shown again.',
  codesFile: 'keyhole-recovery-codes.txt',
  codesSave: 'Save as a file',
  codesDone: 'I have kept them',
  offAbout: 'Afterwards the password alone is enough to sign in. The recovery codes end.',
  offCodeHint: 'Six digits of your authenticator, or a recovery code.',
  usedCode: 'The code is wrong, or was used before.',
};

export const sessions = {
  own: 'Your sessions',
  all: 'Sessions',
  name: 'Name',
  where: 'Browser',
  address: 'Address',
  created: 'Since',
  seen: 'Last request',
  ends: 'Ends',
  action: 'Actions',
  here: 'this one',
  noAgent: 'not said',
  end: 'End',
  endOf: (where: string, address: string) => `End the session of ${where} at ${address}`,
  endTitle: (name: string) => `End a session of ${name}`,
  endAbout: (where: string, address: string) =>
    `${where} at ${address} has to sign in again. Open pages stop at once.`,
};
